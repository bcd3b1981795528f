package banner

import (
	"fmt"
	"strings"
)

// ruleCures says what to do about what iptables prints; its exit codes tell
// nothing apart. The first that matches counts.
var ruleCures = []struct{ printed, cure string }{
	{"can't open lock file", "its lock file must be writable: set XTABLES_LOCKFILE=/path/of/a/file that is"},
	{"holding the xtables lock", "another program holds the lock of iptables; find it with: fuser /run/xtables.lock"},
	{"Can't open socket to ipset", "iptables -m set needs CAP_NET_RAW too; " + curePrivileges},
	{"Permission denied", curePrivileges},
	{"Operation not permitted", curePrivileges},
	{"load match `set'", "iptables lacks its set match: apt install --reinstall iptables"},
	{"match `set'", cureMatch},
	{"Extension set", cureMatch},
	{"is incompatible, use 'nft' tool", "another program wrote into the raw table with nft; " +
		"see what it holds with: nft list ruleset"},
	{"Table does not exist", cureTable},
	{"does not exist", cureTable},
	{"Address family not supported", "the kernel lacks this family: nothing to do if it is disabled on purpose"},
	{"No chain/target/match by that name", cureMatch},
	{"RULE_INSERT failed (No such file or directory)", cureMatch},
}

const (
	cureMatch = "the kernel lacks a match of the rule: " +
		"modprobe -a xt_set xt_multiport xt_comment (in a container: on the host)"
	cureTable = "the kernel lacks the raw table: modprobe -a iptable_raw ip6table_raw (in a container: on the host)"
)

// ruleError says what failed and what to do about it; nil stays nil.
func ruleError(doing string, err error) error {
	if err == nil {
		return nil
	}
	// Go-iptables keeps what iptables printed to itself, but for this text.
	text := strings.Join(strings.Fields(err.Error()), " ")
	for _, c := range ruleCures {
		if strings.Contains(text, c.printed) {
			return fmt.Errorf("%s: %s; %s", doing, text, c.cure)
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}
