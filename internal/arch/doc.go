// Package arch promises that data flows one way through odooban: its tests fail when a package imports or calls what it
// must not know of, and name the line of the table that is broken. It holds nothing but those tests.
package arch
