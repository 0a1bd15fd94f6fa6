"""The parts of `benches/wire/run`."""
