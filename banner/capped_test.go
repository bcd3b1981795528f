package banner

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/netnstest"
)

// The newest attacker is kept away, at the price of who is free soonest.
func TestFullChainMakesRoom(t *testing.T) {
	for _, k := range kinds {
		if k.backend != "iptables" {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			host := netnstest.New(t, 0).Server
			fw, ok := k.bare(t, host, webPorts...).(inside)
			if !ok {
				t.Fatal("not inside")
			}
			small, ok := fw.backend.(*capped)
			if !ok {
				t.Fatal("not capped")
			}
			small.v4.most = 3
			block(t, fw, 2*time.Hour, "203.0.113.1/32")
			block(t, fw, time.Hour, "203.0.113.2/32")
			block(t, fw, 3*time.Hour, "203.0.113.3/32")
			block(t, fw, 4*time.Hour, "203.0.113.3/32") // has its place
			wantBlocked(t, fw, "203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32")
			for r := range small.v4.bans {
				rule := append([]string{"-t", ruleTable, "-D", ownChain}, r.spec()...)
				host.Run(t, k.iptables, rule...)
				rule[2] = "-A"
				host.Run(t, k.iptables, append(rule, "-c", "7", "420")...)
			}
			dropped := droppedBy(t, fw)
			if dropped < 3*7 {
				t.Fatalf("it has dropped %d packets", dropped)
			}
			block(t, fw, time.Minute, "203.0.113.4/32", "203.0.113.5/32")
			wantBlocked(t, fw, "203.0.113.1/32", "203.0.113.3/32", "203.0.113.5/32")
			if n := droppedBy(t, fw); n < dropped {
				t.Errorf("it had dropped %d packets before, and now %d", dropped, n)
			}

			found, err := fw.Repair(t.Context())
			if err != nil || len(found) != 1 || !strings.HasPrefix(found[0], "bans of IPv4 ended early to make room: 2;") {
				t.Errorf("found %q, %v", found, err)
			}
			if found, err := fw.Repair(t.Context()); err != nil || len(found) > 0 {
				t.Errorf("found %q, %v", found, err)
			}
		})
	}
}

func TestParseBanRule(t *testing.T) {
	const end = "until-20261123T130000Z"
	full := banRule{netip.MustParsePrefix("203.0.113.7/32"), time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC).Unix()}
	byHand := banRule{prefix: netip.MustParsePrefix("2001:db8::/32")}
	for _, c := range []struct {
		name, line string
		want       banRule
		ok         bool
	}{
		{"ours", "-A odooban -s 203.0.113.7/32 -m comment --comment " + end + " -j DROP", full, true},
		{"quoted", `-A odooban -s 203.0.113.7/32 -m comment --comment "` + end + `" -j DROP`, full, true},
		{"by hand", "-A odooban -s 2001:db8::/32 -j DROP", byHand, true},
		{"another comment", "-A odooban -s 203.0.113.7/32 -m comment --comment friend -j DROP", banRule{}, false},
		{"another target", "-A odooban -s 203.0.113.7/32 -m comment --comment " + end + " -j ACCEPT", banRule{}, false},
		{"one port only", "-A odooban -s 203.0.113.7/32 -p tcp -m tcp --dport 22 -j DROP", banRule{}, false},
		{"another chain", "-A INPUT -s 203.0.113.7/32 -j DROP", banRule{}, false},
		{"the chain itself", "-N odooban", banRule{}, false},
		{"nobody", "-A odooban -j DROP", banRule{}, false},
		{"cut short", "-A odooban -s", banRule{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := parseBanRule(c.line)
			if ok != c.ok {
				t.Fatalf("%v, want %v", ok, c.ok)
			}
			same := cmp.Comparer(func(a, b banRule) bool { return a == b })
			if diff := cmp.Diff(c.want, got, same); ok && diff != "" {
				t.Errorf("rule (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzParseBanRule feeds the reader of rules with what it does not expect: what
// it takes it must write again in the same words.
func FuzzParseBanRule(f *testing.F) {
	f.Add("-A odooban -s 203.0.113.7/32 -m comment --comment until-20261123T130000Z -j DROP")
	f.Add("-A odooban -s 2001:db8::/32 -j DROP")
	f.Add("-A odooban -s 0.0.0.0/0 -j DROP")
	f.Fuzz(func(t *testing.T, line string) {
		r, ok := parseBanRule(line)
		if !ok {
			return
		}
		again, ok := parseBanRule("-A odooban " + strings.Join(r.spec(), " "))
		if !ok || again != r {
			t.Errorf("%q reads as %v, then as %v", line, r, again)
		}
	})
}
