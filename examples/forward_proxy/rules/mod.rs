//! The rules about who may go where: `--rules`.

#[cfg(feature = "access-rules")]
mod file;
#[cfg(not(feature = "access-rules"))]
mod none;

#[cfg(feature = "access-rules")]
pub(crate) use self::file::RulesFile;
#[cfg(not(feature = "access-rules"))]
pub(crate) use self::none::RulesFile;
