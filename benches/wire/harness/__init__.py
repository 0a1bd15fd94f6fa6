"""What `benches/wire/run` is made of."""
