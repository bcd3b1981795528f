package banner

import (
	"errors"
	"strings"
	"testing"
)

func TestRuleErrorNamesTheCure(t *testing.T) {
	for _, c := range []struct{ name, printed, cure string }{
		{"not root, nft", "iptables v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)", "run as root"},
		{"not root, legacy", "iptables v1.8.9 (legacy): can't initialize iptables table `raw': Permission denied (you must be root)", "run as root"},
		{"no CAP_NET_RAW", "iptables v1.8.9 (legacy): Can't open socket to ipset.\n", "CAP_NET_RAW"},
		{"lock file", "Fatal: can't open lock file /run/xtables.lock: Read-only file system", "XTABLES_LOCKFILE"},
		{"lock held", "Another app is currently holding the xtables lock; still 1s 0us time ahead to have a chance to grab the lock...", "fuser"},
		{"no xt_set, legacy", "iptables: No chain/target/match by that name.", "modprobe -a xt_set"},
		{"no xt_set, nft", "iptables v1.8.9 (nf_tables):  RULE_INSERT failed (No such file or directory): rule in chain PREROUTING", "modprobe -a xt_set"},
		{"no xt_set, extension", "Warning: Extension set revision 0 not supported, missing kernel module?", "modprobe -a xt_set"},
		{"no set match of iptables", "iptables v1.8.9 (legacy): Couldn't load match `set':No such file or directory\n", "apt install"},
		{"no raw table, legacy", "iptables v1.8.9 (legacy): can't initialize iptables table `raw': Table does not exist (do you need to insmod?)\n" +
			"Perhaps iptables or your kernel needs to be upgraded.", "modprobe -a iptable_raw"},
		{"no raw table, nft", "iptables v1.8.9 (nf_tables): table 'raw' does not exist", "modprobe -a iptable_raw"},
		{"written by nft", "iptables v1.8.9 (nf_tables): table `raw' is incompatible, use 'nft' tool.", "nft list ruleset"},
		{"no IPv6", "ip6tables v1.8.9 (legacy): can't initialize ip6tables table `raw': Address family not supported by protocol", "disabled on purpose"},
		{"unknown", "something new", "something new"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ruleError("insert rule", errors.New("running [iptables]: exit status 4: "+c.printed)).Error()
			if !strings.HasPrefix(got, "insert rule: ") || !strings.Contains(got, c.cure) {
				t.Errorf("error says nothing of %q:\n%s", c.cure, got)
			}
			if strings.Contains(got, "\n") {
				t.Errorf("several lines: %q", got)
			}
		})
	}
	if err := ruleError("insert rule", nil); err != nil {
		t.Errorf("no error becomes %v", err)
	}
}

func TestIsOwn(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       bool
	}{
		{"ours", tcpRule, true},
		{"quoted", strings.Replace(tcpRule, "comment odooban", `comment "odooban"`, 1), true},
		{"of another family", strings.Replace(tcpRule, "odooban4", "odooban6", 1), false},
		{"of another backend", "-A PREROUTING -m comment --comment odooban -j odooban", false},
		{"no comment", "-A PREROUTING -j ACCEPT", false},
		{"longer", "-A PREROUTING -m comment --comment odooban-test -j ACCEPT", false},
		{"a sentence", `-A PREROUTING -m comment --comment "odooban is fine" -j ACCEPT`, false},
		{"cut short", "-A PREROUTING -m comment --comment", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rules{names: "odooban4"}
			if got := r.isOwn(c.line); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
