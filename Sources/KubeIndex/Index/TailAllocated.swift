/// An object whose members lie behind its header in its own allocation: a fixed `Head`, then as
/// many elements as it was made with. An array or a buffer of its own would be a second one.
///
/// A class of this kind is final, declares no stored property, and is made by `allocate` alone. Its
/// `deinit` deinitializes what holds references. Both pointers are valid while the object is
/// retained.
package protocol TailAllocated {
  associatedtype Head
  associatedtype Element
}

extension TailAllocated where Self: AnyObject {
  /// The elements are not initialized yet.
  static func allocate(_ head: Head, tailCount: Int) -> Self {
    let made = ManagedBufferPointer<Head, Element>(
      bufferClass: Self.self, minimumCapacity: tailCount
    ) { _, _ in head }
    return unsafeDowncast(made.buffer, to: Self.self)
  }

  var head: UnsafeMutablePointer<Head> {
    ManagedBufferPointer<Head, Element>(unsafeBufferObject: self)
      .withUnsafeMutablePointerToHeader { $0 }
  }

  var tail: UnsafeMutablePointer<Element> {
    ManagedBufferPointer<Head, Element>(unsafeBufferObject: self)
      .withUnsafeMutablePointerToElements { $0 }
  }
}
