//! Runs one of the layer's main operations, so that `.ci/guard` can count its instructions.
//!
//! Without arguments it lists the operations; with `OPERATION COUNT` it runs one.

// Shared with the other benchmarks. Only a part of each file is used here.
#[allow(dead_code)]
#[path = "../../support/digest_client.rs"]
mod digest_client;
#[allow(dead_code)]
#[path = "../../support/engine.rs"]
mod engine;
mod operations;
#[allow(dead_code)]
#[path = "../../support/service.rs"]
mod service;

use std::{env, process::ExitCode};

use operations::{OPERATIONS, Operation};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => OPERATIONS.iter().for_each(|operation| println!("{}", operation.name)),
        [name, count] => match (Operation::named(name), count.parse()) {
            (Some(operation), Ok(count)) => operation.run(count),
            (None, _) => return refuse(&format!("unknown operation: {name}")),
            (_, Err(error)) => return refuse(&format!("{count}: {error}")),
        },
        _ => return refuse("expected no arguments, or an operation and a count"),
    }
    ExitCode::SUCCESS
}

fn refuse(message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(2)
}
