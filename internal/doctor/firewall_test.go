package doctor

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/banner"
	"odooban/internal/checkup"
	"odooban/internal/finding"
	"odooban/internal/netnstest"
	"odooban/internal/testrequire"
)

// lab is a host whose firewall is that of a network namespace.
type lab struct {
	*host
	net     *netnstest.Host
	options banner.Options
}

func newLab(t *testing.T, backend string) *lab {
	l := &lab{host: newHost(t), net: netnstest.New(t, 0).Server}
	l.options = banner.Options{Backend: backend, Ports: []uint16{80, 443}}
	l.Firewall, l.Config.Firewall.Ports = Netfilter{l.options}, l.options.Ports
	return l
}

// up lets the daemon have set its firewall up with these options.
func (l *lab) up(o banner.Options) {
	l.t.Helper()
	l.says(State{Healthy: true, Backend: o.Backend}, nil)
	err := l.net.Do(func() error {
		keeper, err := banner.Open(context.Background(), o)
		if err != nil {
			return err
		}
		return keeper.Close()
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

// examine looks in the namespace.
func (l *lab) examine(code string) (found []checkup.Finding) {
	l.t.Helper()
	_ = l.net.Do(func() error {
		found = l.host.examine(code)
		return nil
	})
	return found
}

// shell does in the namespace what people do at a prompt.
func (l *lab) shell(command string) {
	l.t.Helper()
	l.net.Run(l.t, "sh", "-ec", command)
}

// What others take away from the firewall is missed, and what odooban puts back
// is not.
func TestFirewallIsDamaged(t *testing.T) {
	tests := []struct{ name, backend, damage, code, seen string }{
		{"all rules", "ipset", "iptables -t raw -F", finding.FirewallMissing, "rules of IPv4 are missing or not first"},
		{"rules before ours", "ipset", "iptables -t raw -I PREROUTING -j ACCEPT", finding.FirewallMissing, "not first"},
		{"a set", "ipset", "iptables -t raw -F; ipset destroy odooban4", finding.FirewallMissing, "set odooban4 is gone"},
		{"IPv6", "ipset", "ip6tables -t raw -F", finding.IPv6Open, "rules of IPv6"},
		{"everything", "ipset", "iptables -t raw -F; ip6tables -t raw -F; ipset destroy", finding.FirewallMissing, "nothing of odooban's"},
		{"the table of nftables", "nftables", "nft delete table inet odooban", finding.FirewallMissing, "nothing of odooban's"},
		{"the rules of nftables", "nftables", "nft flush table inet odooban", finding.FirewallMissing, "rules of table inet odooban"},
		{"the jump", "iptables", "iptables -t raw -D PREROUTING 1", finding.FirewallMissing, "rules of IPv4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			testrequire.Command(t, "ipset")
			l := newLab(t, tt.backend)
			l.up(l.options)
			if found := l.examine(tt.code); len(found) > 0 {
				t.Fatalf("found while all was well: %+v", found)
			}
			l.shell(tt.damage)
			found := l.examine(tt.code)
			if len(found) != 1 || !strings.Contains(found[0].Evidence, tt.seen) {
				t.Fatalf("found %+v", found)
			}
			l.up(l.options)
			if found := l.examine(tt.code); len(found) > 0 {
				t.Errorf("found after the cure: %+v", found)
			}
		})
	}
}

// A variable of the service may give the daemon other ports than those that are
// configured: what it says of them counts.
func TestFirewallOfOtherPorts(t *testing.T) {
	l := newLab(t, "nftables")
	l.up(banner.Options{Backend: "nftables", Ports: []uint16{8443}})
	if len(l.examine(finding.FirewallMissing)) != 1 {
		t.Error("the other ports are not missed")
	}
	l.says(State{Healthy: true, Backend: "nftables", Ports: []uint16{8443}}, nil)
	if found := l.examine(finding.FirewallMissing); len(found) > 0 {
		t.Errorf("found %+v", found)
	}
}

// Where the daemon does not run it is tried whether a firewall could be set up,
// and nothing is changed by that.
// What an earlier backend has left does not matter.
func TestFirewallOfAnEarlierBackendIsNotMissed(t *testing.T) {
	testrequire.Command(t, "ipset")
	l := newLab(t, "nftables")
	l.up(l.options)
	l.shell("ipset create odooban4 hash:net timeout 0")
	if found := l.examine(finding.FirewallMissing); len(found) > 0 {
		t.Errorf("found %v", found)
	}
	l.shell("nft delete table inet odooban")
	if found := l.examine(finding.FirewallMissing); len(found) != 1 {
		t.Errorf("found %v", found)
	}
}

func TestFirewallFails(t *testing.T) {
	l, before := newLab(t, "ipset"), hostSets()
	path := os.Getenv("PATH")
	t.Setenv("PATH", t.TempDir())
	found := l.examine(finding.FirewallFailed)
	if len(found) != 1 || !strings.Contains(found[0].Evidence, "apt install iptables") {
		t.Errorf("found %+v", found)
	}
	t.Setenv("PATH", path)
	if found := l.examine(finding.FirewallFailed); len(found) > 0 {
		t.Errorf("found after the cure: %+v", found)
	}
	if saved := l.net.Run(t, "iptables-save", "-t", "raw"); strings.Contains(saved, "odooban") {
		t.Errorf("it was changed:\n%s", saved)
	}
	if diff := cmp.Diff(before, hostSets()); diff != "" {
		t.Errorf("sets of the host (-before +after):\n%s", diff)
	}
}

// What an earlier daemon has left does not hide that a backend cannot work.
func TestFirewallFailsBesideLeftovers(t *testing.T) {
	testrequire.Command(t, "ipset")
	l := newLab(t, "ipset")
	l.up(l.options)
	l.Daemon = nil
	t.Setenv("PATH", t.TempDir())
	if found := l.examine(finding.FirewallFailed); len(found) != 1 {
		t.Errorf("found %+v", found)
	}
}

// hostSets lists the sets outside the lab, which are no test's to change.
func hostSets() string {
	sets, _ := exec.Command("ipset", "list", "-n").Output() // there may be no ipset
	return string(sets)
}

// Rules that were left in the other variant of iptables are found, and the cure
// that is named takes them away.
func TestTwoVariants(t *testing.T) {
	for _, other := range []string{"legacy", "nft"} {
		t.Run(other, func(t *testing.T) {
			l := newLab(t, "ipset")
			used := map[string]string{"legacy": "nft", "nft": "legacy"}[other]
			bin := t.TempDir()
			for _, program := range []string{"iptables", "ip6tables"} {
				if err := os.Symlink(testrequire.Command(t, program+"-"+used), filepath.Join(bin, program)); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			l.up(l.options)
			if found := l.examine(finding.TwoVariants); len(found) > 0 {
				t.Fatalf("found while all was well: %+v", found)
			}
			old := l.options
			old.Ports, old.IPTables, old.IP6Tables = []uint16{8069}, "iptables-"+other, "ip6tables-"+other
			l.up(old)
			found := l.examine(finding.TwoVariants)
			if len(found) != 1 || found[0].About != "iptables-"+other {
				t.Fatalf("found %+v", found)
			}
			l.shell(found[0].Cure)
			if found := l.examine(finding.TwoVariants); len(found) > 0 {
				t.Errorf("found after the cure: %+v", found)
			}
			if found := l.examine(finding.FirewallMissing); len(found) > 0 {
				t.Errorf("the cure took away what is needed: %+v", found)
			}
		})
	}
}
