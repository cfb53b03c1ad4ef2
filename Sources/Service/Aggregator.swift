import ArgumentParser

@main
struct Aggregator: ParsableCommand {}
