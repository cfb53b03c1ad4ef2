import ArgumentParser
import Service

// The whole of the program is in Service, so that simulations and tests can link it.
AggregatorCommand.main()
