// Package odoosim is a model of Odoo servers, of what they log, of who visits them, and of those who read their logs.
// It holds what rules promises against the truth, which only a simulator knows.
//
// A Site writes, from a seed and without a clock, the bytes that an Odoo 12 to 19 server writes, each record with the
// moment of its write, and tells for every attempt who made it. A Reader turns them into the lines that a file, a
// container's log, systemd's journal or a pipe yields, and when. A Judge says from them who failed; Run measures how
// right it was, in bans.
//
// The model keeps to what captures of real servers show (TestLikeRealServers holds it against them):
//
//   - a stamp is the record's moment cut to the millisecond; the access line's two durations are rounded, each by
//     itself;
//   - a record is written 30 to 300 µs after its moment, seldom up to 6 ms (processes) or 83 ms (threads) later;
//   - a process answers one request at a time; when requests wait, the next one begins 30 to 400 µs after the answer;
//   - a form's record stands 2 to 60 ms before its access line, one of JSON or RPC 0 to 3 ms, seldom 50.
//
// It is for tests and for the commands internal/promises and internal/demo: the program does not import it.
package odoosim
