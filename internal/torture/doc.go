// Package torture proves that odooban loses nothing and counts nothing twice: it runs the real program with the real
// firewall in network namespaces, writes numbered failed logins into logs that are rotated in every way, kills the
// program at random moments, and holds what the journal has in the end against an undisturbed replay.
//
// The tests have a short form, and a long one with ODOOBAN_TEST_TORTURE=long, which "make torture" runs.
// docs/reliability.md says what was tried and what came out.
package torture
