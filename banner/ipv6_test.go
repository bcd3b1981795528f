package banner

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"odooban/internal/netnstest"
)

// lendIP6Tables makes a command that a test can take away with os.Remove, and give
// back.
func lendIP6Tables(t *testing.T, k *kind) (lend func()) {
	t.Helper()
	path, err := exec.LookPath(k.ip6tables)
	if err != nil {
		t.Fatal(err)
	}
	k.ip6tables = filepath.Join(t.TempDir(), filepath.Base(path))
	return func() {
		t.Helper()
		if err := os.Symlink(path, k.ip6tables); err != nil {
			t.Fatal(err)
		}
	}
}

// eachByIPTables runs a test with all backends that need a command for IPv6.
func eachByIPTables(t *testing.T, test func(t *testing.T, k kind)) {
	eachBackend(t, func(t *testing.T, k kind) {
		if k.backend != "nftables" {
			test(t, k)
		}
	})
}

// That IPv6 is not guarded any more is told once, and is an error as long as it lasts.
func TestKeeperTellsThatIPv6IsNotGuardedAnyMore(t *testing.T) {
	eachByIPTables(t, func(t *testing.T, k kind) {
		lend := lendIP6Tables(t, &k)
		lend()
		keeper := newKeeper(k.backend, k.bare(t, netnstest.New(t, 0).Server, webPorts...))
		if err := os.Remove(k.ip6tables); err != nil {
			t.Fatal(err)
		}
		var told reports
		for range 3 {
			keeper.look(t.Context(), told.add)
			if s := keeper.Status(); s.Err == nil || len(s.Notes) > 0 {
				t.Errorf("status %+v", s)
			}
		}
		if all := told.list(); len(all) != 1 || !strings.Contains(all[0].Err.Error(), "IPv6 is not guarded") {
			t.Errorf("told %+v", all)
		}
		lend()
		keeper.look(t.Context(), told.add)
		if s := keeper.Status(); s.Err != nil || len(told.list()) > 1 {
			t.Errorf("status after the cure %+v, told %+v", s, told.list())
		}
	})
}

// Where it never was that is a note, until it is.
func TestKeeperNotesThatIPv6IsNotGuarded(t *testing.T) {
	eachByIPTables(t, func(t *testing.T, k kind) {
		lend := lendIP6Tables(t, &k)
		keeper, err := openOn(t, netnstest.New(t, 0).Server, k.options(webPorts...))
		if err != nil {
			t.Fatal(err)
		}
		keeper.look(t.Context(), func(Mended) {})
		if s := keeper.Status(); s.Err != nil || len(s.Notes) != 1 || len(keeper.Notes()) != 1 {
			t.Errorf("status %+v", s)
		}
		lend()
		keeper.look(t.Context(), func(Mended) {})
		if s := keeper.Status(); s.Err != nil || len(s.Notes) > 0 {
			t.Errorf("status after the cure %+v", s)
		}
		block(t, keeper, time.Hour, "2001:db8:1::/64")
		wantBlocked(t, keeper, "2001:db8:1::/64")
	})
}

// Who was banned while IPv6 was guarded is listed and can be let go when it is not any
// more.
func TestBansOfIPv6EndWhereItIsNotGuardedAnyMore(t *testing.T) {
	eachByIPTables(t, func(t *testing.T, k kind) {
		if k.backend != "ipset" {
			return // without ip6tables its rules can be neither seen nor deleted
		}
		host := netnstest.New(t, 0).Server
		lend := lendIP6Tables(t, &k)
		lend()
		block(t, k.bare(t, host, webPorts...), time.Hour, "203.0.113.7/32", "2001:db8:1::/64", "2001:db8:2::/64")
		if err := os.Remove(k.ip6tables); err != nil {
			t.Fatal(err)
		}
		keeper, err := openOn(t, host, k.options(webPorts...))
		if err != nil {
			t.Fatal(err)
		}
		wantBlocked(t, keeper, "203.0.113.7/32", "2001:db8:1::/64", "2001:db8:2::/64")
		unblock(t, keeper, "2001:db8:1::/64")
		wantBlocked(t, keeper, "203.0.113.7/32", "2001:db8:2::/64")
	})
}

// Where ip6tables has gone the bans of IPv4 rules are taken over all the same, and
// those that have ended, which no kernel ends, go.
func TestOpenTakesOverRulesWithoutIP6Tables(t *testing.T) {
	eachByIPTables(t, func(t *testing.T, from kind) {
		if from.backend != "iptables" {
			return
		}
		for _, to := range []string{"ipset", "nftables"} {
			for _, bans := range [][]string{{}, {"203.0.113.7/32"}} {
				t.Run(fmt.Sprint("to ", to, " with ", bans), func(t *testing.T) { takesOverRules(t, from, to, bans) })
			}
		}
	})
}

func takesOverRules(t *testing.T, from kind, to string, bans []string) {
	t.Helper()
	host := netnstest.New(t, 0).Server
	lend := lendIP6Tables(t, &from)
	lend()
	block(t, from.bare(t, host, webPorts...), time.Hour, slices.Concat(bans, []string{"2001:db8:1::/64"})...)
	ended := banRule{netip.MustParsePrefix("198.51.100.7/32"), time.Now().Add(-time.Hour).Unix()}
	host.Run(t, from.iptables, append([]string{"-t", ruleTable, "-A", ownChain}, ended.spec()...)...)
	if err := os.Remove(from.ip6tables); err != nil {
		t.Fatal(err)
	}
	opts := from.options(webPorts...)
	opts.Backend = to
	keeper, err := openOn(t, host, opts)
	if err != nil {
		t.Fatal(err)
	}
	wantBlocked(t, keeper, bans...)
	if rules := host.Run(t, from.iptables, "-t", ruleTable, "-S"); strings.Contains(rules, "-N "+ownChain) {
		t.Errorf("left behind:\n%s", rules)
	}
}

// Bans that cannot be taken over stay in force where they are, and end when somebody
// says so.
func TestOpenLeavesWhatItCannotTakeOver(t *testing.T) {
	host := netnstest.New(t, 0).Server
	old := nftKind.bare(t, host, webPorts...)
	block(t, old, time.Hour, "203.0.113.7/32", "2001:db8:1::/64", "2001:db8:2::/64")
	opts := Options{Backend: "ipset", Ports: webPorts, IPTables: nftKind.iptables, IP6Tables: "/nonexistent/ip6tables"}
	err := host.Do(func() error {
		keeper, err := Open(t.Context(), opts)
		if err != nil {
			return err
		}
		if notes := fmt.Sprint(keeper.Notes()); !strings.Contains(notes, "take over the bans of nftables: block 2001:db8:") {
			t.Errorf("notes: %s", notes)
		}
		wantBlocked(t, keeper, "203.0.113.7/32")
		unblock(t, keeper, "203.0.113.7/32", "2001:db8:1::/64")
		wantBlocked(t, old, "2001:db8:2::/64")
		return errors.Join(keeper.Remove(t.Context()), keeper.Close())
	})
	if err != nil {
		t.Fatal(err)
	}
	if left := host.Run(t, "nft", "list", "ruleset") + host.Run(t, "ipset", "save"); strings.Contains(left, "odooban") {
		t.Errorf("left behind:\n%s", left)
	}
}

// By itself odooban does not go from a backend that guards IPv6 to one that does not.
func TestAutoKeepsBansOfIPv6(t *testing.T) {
	host := netnstest.New(t, 0).Server
	block(t, nftKind.bare(t, host, webPorts...), time.Hour, "203.0.113.7/32", "2001:db8:1::/64")
	keeper, err := openOn(t, host, Options{Ports: webPorts, IP6Tables: "/nonexistent/ip6tables"})
	if err != nil {
		t.Fatal(err)
	}
	if keeper.Name() != "nftables" {
		t.Errorf("it took %s", keeper.Name())
	}
	wantBlocked(t, keeper, "203.0.113.7/32", "2001:db8:1::/64")
	if left := host.Run(t, "ipset", "save"); left != "" {
		t.Errorf("left behind:\n%s", left)
	}
}

// Where nothing guards IPv6 it is the first that works, and nothing of others that
// were tried is left.
func TestAutoWithoutIPv6TakesTheFirstThatWorks(t *testing.T) {
	eachVariant(t, func(t *testing.T, opts Options) {
		host := netnstest.New(t, 0).Server
		host.Run(t, "nft", "add", "table", "inet", nftName)
		host.Run(t, "nft", "add", "set", "inet", nftName, "banned4", "{ type ipv6_addr; flags timeout; }")
		opts.IP6Tables = "/nonexistent/ip6tables"
		for range 2 {
			keeper, err := openOn(t, host, opts)
			if err != nil {
				t.Fatal(err)
			}
			if notes := keeper.Notes(); keeper.Name() != BackendIPSet || len(notes) != 1 {
				t.Errorf("it took %s, notes: %v", keeper.Name(), notes)
			}
			block(t, keeper, time.Hour, "203.0.113.7/32")
			wantBlocked(t, keeper, "203.0.113.7/32")
			wantChain(t, host, opts.IPTables, tcpRule, udpRule)
		}
	})
}
