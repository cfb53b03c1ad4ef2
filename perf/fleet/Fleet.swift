import ArgumentParser

@main
struct Fleet: ParsableCommand {}
