// Package control lets administrators ask a running odooban, and correct it: a
// server that speaks HTTP and JSON over a unix socket, and its client. Who may
// open the socket may do everything: root, and the group odooban.
//
// A Desk answers what is asked. The server hands it what comes over the socket;
// a command may ask a Desk of its own when no daemon runs. docs/commands.md
// describes what is asked and answered, for people and for curl.
package control

import (
	"net/netip"
	"time"

	"odooban/rules"
)

// Status is how odooban is doing. Counts begin when it was started or last read
// its configuration, at Since.
type Status struct {
	Version string    `json:"version"`
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
	DryRun  bool      `json:"dry_run"`
	// Healthy says that the firewall is in force where clients come by, and at
	// least one source is followed without trouble; if not, Reasons says why.
	Healthy  bool     `json:"healthy"`
	Reasons  []string `json:"reasons"`
	Sources  []Source `json:"sources"`
	Jails    []Jail   `json:"jails"`
	Firewall Firewall `json:"firewall"`
	Alarms   []Alarm  `json:"alarms"`
}

// Source is a source that is followed, or cannot be.
type Source struct {
	Name         string `json:"name"`
	Lines        uint64 `json:"lines"`
	Failures     uint64 `json:"failures"`
	Unattributed uint64 `json:"unattributed"`
	Unknown      uint64 `json:"unknown"`
	// Rejected is how many lines look like failures and are not counted, by reason.
	Rejected map[rules.Reason]uint64 `json:"rejected"`
	// LastLine is when the last line was read, LastRecord what time it is about.
	LastLine   time.Time `json:"last_line,omitzero"`
	LastRecord time.Time `json:"last_record,omitzero"`
	// Lag is by how many seconds reading was behind writing at the last line.
	Lag     float64 `json:"lag"`
	Trouble string  `json:"trouble,omitempty"`
}

// Jail is a rule's policy, and what has come of it. Times are in seconds.
type Jail struct {
	Rule     string  `json:"rule"`
	MaxRetry int     `json:"maxretry"`
	FindTime float64 `json:"findtime"`
	BanTime  float64 `json:"bantime"`
	Failures uint64  `json:"failures"`
	Bans     uint64  `json:"bans"`
	// Counting is how many addresses have failures that may lead to a ban.
	Counting int `json:"counting"`
	// Forgotten is how many of them were given up, as there were too many.
	Forgotten uint64 `json:"forgotten"`
}

// Firewall is what keeps bans in force.
type Firewall struct {
	Backend string `json:"backend"`
	// Ports are those that are closed for who is banned, none for all; left out
	// where no daemon tells.
	Ports []uint16 `json:"ports,omitzero"`
	Notes []string `json:"notes,omitempty"`
	Bans  int      `json:"bans"`
	// Dropped is how many packets the rules have dropped; nil where they do not
	// tell, for which a note says why.
	Dropped *uint64 `json:"dropped,omitempty"`
	// Mended is how often something had to be put right, LastMended what.
	Mended     uint64   `json:"mended"`
	LastMended []string `json:"last_mended,omitempty"`
	// Refused is how many bans the firewall has refused; they are tried again.
	Refused int    `json:"refused"`
	Error   string `json:"error,omitempty"`
}

// Alarm is something that may keep odooban from protecting, with its cure.
type Alarm struct {
	Code   string    `json:"code"`
	Source string    `json:"source,omitempty"`
	Text   string    `json:"text"`
	Cure   string    `json:"cure,omitempty"`
	Count  uint64    `json:"count"`
	Last   time.Time `json:"last,omitzero"`
}

// Ban is a ban in force, or one that was.
type Ban struct {
	Prefix netip.Prefix `json:"prefix"`
	// Rule is what led to it: a rule's name, or manual; empty for one that
	// somebody put into the firewall.
	Rule string `json:"rule"`
	// Time is when it began, Until when it ends; zero is never.
	Time     time.Time `json:"time,omitzero"`
	Until    time.Time `json:"until,omitzero"`
	Failures int       `json:"failures"`
	// Lifted is when people ended it.
	Lifted time.Time `json:"lifted,omitzero"`
	// Packets is how many were dropped since it was put in force, where the
	// kernel counts them.
	Packets *uint64 `json:"packets,omitempty"`
	// InForce says that the firewall has it.
	InForce bool `json:"in_force"`
}

// Bans are those in force. In a dry run they would be.
type Bans struct {
	DryRun bool  `json:"dry_run,omitempty"`
	Bans   []Ban `json:"bans"`
}

// Why is all that is known of an address.
type Why struct {
	Addr netip.Addr `json:"addr"`
	// Prefix is what its failures are counted by, and what is banned for them.
	Prefix netip.Prefix `json:"prefix"`
	// Ignored says why it is never banned.
	Ignored string `json:"ignored,omitempty"`
	// Counting are failures that may still lead to a ban.
	Counting []Counting `json:"counting"`
	// DryRun says that Bans would keep it away.
	DryRun bool `json:"dry_run,omitempty"`
	// Bans keep it away now, Earlier ones did.
	Bans    []Ban `json:"bans"`
	Earlier []Ban `json:"earlier"`
	// Failures are the latest thousand of the prefix, in the order in which they
	// were counted.
	Failures []Failure `json:"failures"`
	// Rejected are the latest lines that name an address of the prefix, or were sent
	// by one, and are not counted.
	Rejected []Rejected `json:"rejected"`
}

// Counting is how many failures of a rule stand in its window.
type Counting struct {
	Rule     string    `json:"rule"`
	Failures int       `json:"failures"`
	MaxRetry int       `json:"maxretry"`
	FindTime float64   `json:"findtime"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
}

// Failure is one failed attempt.
type Failure struct {
	Time   time.Time  `json:"time"`
	Addr   netip.Addr `json:"addr"`
	Rule   string     `json:"rule"`
	User   string     `json:"user"`
	DB     string     `json:"db,omitempty"`
	Source string     `json:"source"`
}

// Rejected is a line that looks like a failure and is not counted, or not against
// whom it names.
type Rejected struct {
	Time time.Time `json:"time"`
	// Addr is whom the line names, By who sent it, as far as that is known.
	Addr   netip.Addr   `json:"addr,omitzero"`
	By     netip.Addr   `json:"by,omitzero"`
	Rule   string       `json:"rule"`
	User   string       `json:"user"`
	DB     string       `json:"db,omitempty"`
	Source string       `json:"source"`
	Reason rules.Reason `json:"reason"`
	// Title says what the reason means, Cure what to do about it.
	Title string `json:"title"`
	Cure  string `json:"cure"`
}

// Order asks for a ban.
type Order struct {
	// Prefix is an address or a network.
	Prefix string `json:"prefix"`
	// For is how long, as in the configuration; empty is the longest bantime.
	For string `json:"for"`
}

// Banned is what is in force after a ban was ordered.
type Banned struct {
	Ban Ban `json:"ban"`
	// Note says what people may not expect: that a whole network is banned, that a
	// longer ban stays, or in a dry run that nobody is banned.
	Note string `json:"note,omitempty"`
}

// Unbanned is what came of ending a ban.
type Unbanned struct {
	// Ended are the prefixes that were banned.
	Ended []netip.Prefix `json:"ended"`
	// Still are bans of wider networks, which keep the address away.
	Still []Ban `json:"still"`
}

// Flushed says how many bans have ended.
type Flushed struct {
	Bans int `json:"bans"`
}
