import Testing

@testable import KubeIndex
