/// The contract of a report for humans and validators: JSON Schema 2020-12, `format` asserted.
package enum ReportSchema {
  /// The text of `report.schema.json`, which the build puts into the binary.
  package static let json = String(decoding: PackageResources.report_schema_json, as: UTF8.self)
}
