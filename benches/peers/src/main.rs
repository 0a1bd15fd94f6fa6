//! Compares the cost of the same requests in the layer, in other crates and in bare hashes. See
//! README.md.

// Shared with the library's own benchmarks. Only a part of each file is used here.
#[allow(dead_code)]
#[path = "../../support/digest_client.rs"]
mod digest_client;
#[allow(dead_code)]
#[path = "../../support/engine.rs"]
mod engine;
mod exchange;
mod measure;
mod ratios;
mod report;
mod requests;
#[allow(dead_code)]
#[path = "../../support/service.rs"]
mod service;
mod statistics;
mod subjects;

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
};

use clap::Parser;

use crate::{ratios::ratios, report::Report};

/// With fewer rounds, the median is not reliable.
const FEWEST_ROUNDS: u64 = 51;

/// Compares the layer with other crates and with bare hashes.
#[derive(Parser)]
struct Options {
    /// The number of rounds; each measures every subject once.
    #[arg(long, default_value_t = 1_001, value_parser = clap::value_parser!(u64).range(FEWEST_ROUNDS..))]
    rounds: u64,
    /// Runs the minimum number of rounds.
    #[arg(long, conflicts_with = "rounds")]
    quick: bool,
    /// Writes the figures to this file too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    // Opened first, to report a wrong path before the long measurement.
    let json = options.json.map(File::create).transpose()?;
    let rounds = if options.quick { FEWEST_ROUNDS } else { options.rounds } as usize;
    let measured = measure::measure(subjects::all(), rounds);
    let ratios = ratios(&measured);
    let report = Report { rounds, measured, ratios };
    write!(io::stdout(), "{report}")?;
    match json {
        Some(mut file) => writeln!(file, "{:#}", report.to_json()),
        None => Ok(()),
    }
}
