package rules

import "slices"

// In history most lines tell nothing of any attempt, and are not even taken
// apart. Those that may are
//
//   - lines that hold one of odooLiterals: records of the login code, and lines
//     that a login may end in;
//   - records that may hold a text that somebody sent: taintLiterals;
//   - access lines of requests that write such records: odooPaths, odooForms;
//   - access lines of other requests that are failures: odooProbes;
//   - lines in which a byte of such a path is written with a percent sign;
//   - what comes behind an attempt until its access line has come, or a while:
//     what belongs to its record, and a request to a path of another module.
//
// As long as it is not known whose log it is, and in Traefik's, every line is
// looked at. Live, there is time to look at every line.

// odooLiterals are what a line holds that is about a login: its logger, or the
// word before the address.
var odooLiterals = []string{"res_users", "auth_signup", " from "}

// odooPaths are what an access line holds of a request that tries a login,
// whatever its method (/jsonrpc, and the end of /web/session/authenticate), and
// odooForms of a POST request that does so, or asks for a new password: see
// pageOf, to which the first slash may be missing.
var (
	odooPaths = []string{"json", "thenticate"}
	odooForms = []string{"web/login", "/common", "web/reset_password"}
)

// odooProbes are what an access line holds that is a failure by itself. What asks
// the API is among odooPaths, what asks for one-time codes and new passwords among odooForms.
var odooProbes = []string{"web/database/"}

// inOdooPath says which bytes these paths have.
var inOdooPath = func() (in [256]bool) {
	for _, path := range slices.Concat(odooPaths, odooForms, odooProbes) {
		for _, c := range []byte(path) {
			in[c] = true
		}
	}
	return in
}()

const (
	// patience is for how many bytes of log an attempt is expected to be
	// answered by an access line.
	patience = 64 << 10
	// littlePatience is the same where access lines did not come lately.
	littlePatience = 2 << 10
)

// attention is what makes a Scanner look at every line of history.
type attention struct {
	// awaited are the attempts whose access line is to come.
	awaited []*attempt
	// missed is how many have not come since one did.
	missed int
}

// attentive says whether the next line must be looked at, whatever it holds.
func (s *Scanner) attentive() bool {
	bytes := int64(patience)
	if s.attention.missed >= evidenceSpan {
		bytes = littlePatience
	}
	gone := 0
	for _, a := range s.attention.awaited {
		if s.offset-a.offset <= bytes {
			break
		}
		gone++
	}
	if gone > 0 {
		s.attention.missed += gone
		s.attention.awaited = s.attention.awaited[gone:]
	}
	return len(s.attention.awaited) > 0 || s.traefik.standing != certainOdoo || s.docker.open(s.offset)
}

// await expects an access line that answers the attempt.
func (s *Scanner) await(a *attempt) {
	if a.seen.IsZero() && !a.proven() && (a.raw() && a.echoOf == nil || a.event == cooledDown) {
		s.attention.awaited = append(s.attention.awaited, a)
	}
}

// answered takes note of a request that may have made attempts.
func (s *Scanner) answered(q *request) {
	answered := func(a *attempt) bool { return a.proc == q.proc && q.covers(a) && q.mayHave(a) }
	if !slices.ContainsFunc(s.attention.awaited, answered) {
		return
	}
	s.attention.missed = 0
	s.attention.awaited = slices.DeleteFunc(s.attention.awaited, answered)
}
