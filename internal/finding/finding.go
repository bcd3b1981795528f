// Package finding is the catalogue of what may keep odooban from protecting: a
// code for each kind of trouble, how bad it is, and what to do about it. The
// alarms of the daemon and the findings of odooban doctor are taken from it, so
// that both say the same.
//
// Codes stay what they are for good. docs/doctor.md has a chapter for each.
package finding

import "slices"

// Severity says how bad a finding is.
type Severity string

const (
	// Error says that attackers are not kept away, or the wrong ones are.
	Error Severity = "error"
	// Warning says that protection works and could be better, or may cease to.
	Warning Severity = "warning"
)

// Kind is what all findings of one code have in common.
type Kind struct {
	Code     string
	Severity Severity
	// Title says in a sentence what is wrong, and Cure what to do or type.
	Title, Cure string
}

// Anchor is where the kind is explained.
func (k Kind) Anchor() string { return "docs/doctor.md#" + k.Code }

// Of returns the kind of a code. One that is not in the catalogue is of the
// code alone, and an error.
func Of(code string) Kind {
	all := Kinds()
	if i := slices.IndexFunc(all, func(k Kind) bool { return k.Code == code }); i >= 0 {
		return all[i]
	}
	return Kind{Code: code, Severity: Error}
}

// Kinds returns the catalogue, in the order in which one looks: where the log
// comes from, what is in it, what is done about it.
func Kinds() []Kind {
	return slices.Concat(ofSources(), ofLogs(), ofFirewall(), ofDaemon())
}
