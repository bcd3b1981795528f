package banner

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/netnstest"
)

// fake is a backend without a kernel that forgets bans after cut, as ipset
// does, and from which tests take bans away.
type fake struct {
	dry
	cut    time.Duration
	broken []string
	err    error
}

func (f *fake) Repair(context.Context) ([]string, error) {
	found := f.broken
	f.broken = nil
	return found, f.err
}

func (f *fake) Block(ctx context.Context, bans []Ban) error {
	bans = slices.Clone(bans)
	for i, b := range bans {
		if latest := time.Now().Add(f.cut); f.cut > 0 && b.Until.After(latest) {
			bans[i].Until = latest
		}
	}
	return f.dry.Block(ctx, bans)
}

func (f *fake) missing(ctx context.Context, prefixes []netip.Prefix) (lost int, err error) {
	bans, err := f.List(ctx)
	for _, p := range prefixes {
		if !slices.ContainsFunc(bans, func(b Ban) bool { return b.Prefix == p }) {
			lost++
		}
	}
	return lost, err
}

// kept runs a test with a keeper of a fake in a bubble, where time passes when
// everybody waits.
func kept(t *testing.T, test func(t *testing.T, f *fake, k *Keeper, reports *[]Mended)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		f := new(fake)
		k := newKeeper("fake", f)
		changed := make(chan struct{}, 1)
		k.changes = func(context.Context) <-chan struct{} { return changed }
		var reports []Mended
		done := make(chan error)
		go func() { done <- k.Keep(ctx, func(m Mended) { reports = append(reports, m) }) }()
		test(t, f, k, &reports)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestKeeperIsQuietWhileAllIsWell(t *testing.T) {
	kept(t, func(t *testing.T, _ *fake, k *Keeper, reports *[]Mended) {
		block(t, k, time.Minute, "203.0.113.7/32", "2001:db8:1::/64")
		time.Sleep(time.Hour)
		if len(*reports) > 0 || len(k.known.ends) > 0 {
			t.Errorf("reports %v, remembers %v", *reports, k.known.ends)
		}
	})
}

func TestKeeperPutsBackWhatIsGone(t *testing.T) {
	kept(t, func(t *testing.T, f *fake, k *Keeper, reports *[]Mended) {
		block(t, k, time.Hour, "203.0.113.7/32", "2001:db8:1::/64")
		block(t, k, time.Hour, "198.51.100.7/32")
		unblock(t, k, "198.51.100.7/32")
		unblock(t, f, "203.0.113.7/32")
		f.broken = []string{"the rule was gone"}
		time.Sleep(keepEvery + time.Millisecond)
		wantBlocked(t, f, "203.0.113.7/32", "2001:db8:1::/64")
		wantUntil(t, f, time.Now().Add(time.Hour-keepEvery))
		want := []Mended{{Found: []string{"the rule was gone", "at least 1 of 2 bans were gone"}, Restored: 2, Count: 1}}
		if diff := cmp.Diff(want, *reports); diff != "" {
			t.Errorf("reports (-want +got):\n%s", diff)
		}
	})
}

func TestKeeperLooksAtOnceWhenToldOfAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		changed := make(chan struct{}, 1)
		f := &fake{broken: []string{"x"}}
		k := newKeeper("fake", f)
		k.changes = func(context.Context) <-chan struct{} { return changed }
		var at []time.Duration
		began := time.Now()
		go k.Keep(ctx, func(Mended) {
			at = append(at, time.Since(began))
			f.broken = []string{"x"}
		})
		time.Sleep(10 * time.Second)
		for range 100 { // a program that changes something all the time
			changed <- struct{}{}
			time.Sleep(50 * time.Millisecond)
		}
		stop()
		synctest.Wait()
		want := []time.Duration{10*time.Second + keepSettle, 10*time.Second + keepSettle + keepPause, 10*time.Second + keepSettle + 2*keepPause}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("looked (-want +got):\n%s", diff)
		}
	})
}

func TestKeeperTellsWhatItCannotRepair(t *testing.T) {
	kept(t, func(t *testing.T, f *fake, k *Keeper, reports *[]Mended) {
		f.err = errors.New("no iptables; apt install iptables")
		time.Sleep(2*keepEvery + time.Millisecond)
		if len(*reports) != 2 || (*reports)[1].Count != 2 || !errors.Is((*reports)[1].Err, f.err) {
			t.Errorf("reports: %+v", *reports)
		}
		f.err = nil
		time.Sleep(2 * keepEvery)
		if len(*reports) != 2 {
			t.Errorf("reports: %+v", *reports)
		}
	})
}

func TestKeeperTakesTheLongerBan(t *testing.T) {
	kept(t, func(t *testing.T, f *fake, k *Keeper, _ *[]Mended) {
		for _, d := range []time.Duration{time.Minute, 24 * time.Hour, time.Hour} {
			block(t, k, d, "203.0.113.7/32")
		}
		wantUntil(t, f, time.Now().Add(24*time.Hour))
		unblock(t, k, "203.0.113.7/32")
		block(t, k, time.Hour, "203.0.113.7/32")
		wantUntil(t, f, time.Now().Add(time.Hour))
	})
}

// A ban of 100 days stays for 100 days, although the kernel counts to 24.
func TestKeeperRearmsLongBans(t *testing.T) {
	kept(t, func(t *testing.T, f *fake, k *Keeper, reports *[]Mended) {
		f.cut = maxTimeout * time.Second
		const days = 24 * time.Hour
		block(t, k, 100*days, "203.0.113.7/32")
		for day := range 100 {
			if got := blocked(t, f); len(got) != 1 {
				t.Fatalf("day %d: in force: %v", day, got)
			}
			time.Sleep(days)
		}
		wantBlocked(t, f)
		if len(*reports) > 0 {
			t.Errorf("reports: %v", *reports)
		}
	})
}

func TestKeeperKeepsWhatWasThereBefore(t *testing.T) {
	kept(t, func(t *testing.T, f *fake, k *Keeper, _ *[]Mended) {
		k.learn([]Ban{{Prefix: netip.MustParsePrefix("203.0.113.7/32"), Until: time.Now().Add(time.Hour)},
			{Prefix: netip.MustParsePrefix("198.51.100.7/32")}})
		time.Sleep(keepEvery + time.Millisecond)
		wantBlocked(t, f, "198.51.100.7/32", "203.0.113.7/32")
		time.Sleep(365 * 24 * time.Hour)
		wantBlocked(t, f, "198.51.100.7/32") // for ever
	})
}

func TestLedgerIsBounded(t *testing.T) {
	var l ledger
	until := time.Now().Add(time.Hour)
	for i := range maxMembers + 10 {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		l.raise(Ban{Prefix: netip.PrefixFrom(addr, 32), Until: until})
	}
	if len(l.ends) != maxMembers {
		t.Errorf("it knows %d", len(l.ends))
	}
	l.sweep(until)
	if len(l.ends) != 0 {
		t.Errorf("it still knows %d", len(l.ends))
	}
}

func unblock(t *testing.T, fw Firewall, prefixes ...string) {
	t.Helper()
	var all []netip.Prefix
	for _, p := range prefixes {
		all = append(all, netip.MustParsePrefix(p))
	}
	if err := fw.Unblock(t.Context(), all); err != nil {
		t.Fatal(err)
	}
}

// damages are what administrators and their programs do to others' rules.
var damages = []struct {
	name string
	// of are the kinds that this hurts, by the beginning of their names.
	of []string
	do func(t *testing.T, host *netnstest.Host, k kind)
}{
	{"nft flush ruleset", []string{"ipset nft", "nftables", "capped nft"}, func(t *testing.T, host *netnstest.Host, _ kind) {
		host.Run(t, "nft", "flush", "ruleset")
	}},
	{"iptables -t raw -F", []string{"ipset", "capped"}, func(t *testing.T, host *netnstest.Host, k kind) {
		host.Run(t, k.iptables, "-t", "raw", "-F")
		host.Run(t, k.ip6tables, "-t", "raw", "-F")
	}},
	{"iptables-restore", []string{"ipset", "capped"}, func(t *testing.T, host *netnstest.Host, k kind) {
		const empty = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
		path := filepath.Join(t.TempDir(), "rules")
		if err := os.WriteFile(path, []byte(empty), 0o600); err != nil {
			t.Fatal(err)
		}
		host.Run(t, k.iptables+"-restore", path)
		host.Run(t, k.ip6tables+"-restore", path)
	}},
	{"the set is destroyed", []string{"ipset"}, func(t *testing.T, host *netnstest.Host, k kind) {
		host.Run(t, k.iptables, "-t", "raw", "-F")
		host.Run(t, k.ip6tables, "-t", "raw", "-F")
		await(t, "destroyed sets", func() bool {
			host.Run(t, "sh", "-c", "ipset destroy || true")
			return host.Run(t, "ipset", "list", "-name") == ""
		})
	}},
	{"the set is emptied", []string{"ipset"}, func(t *testing.T, host *netnstest.Host, _ kind) {
		host.Run(t, "ipset", "flush")
	}},
	{"the set is emptied, nftables", []string{"nftables"}, func(t *testing.T, host *netnstest.Host, _ kind) {
		host.Run(t, "nft", "flush", "set", "inet", nftName, "banned4")
		host.Run(t, "nft", "flush", "set", "inet", nftName, "banned6_64")
	}},
	{"the table is deleted", []string{"nftables"}, func(t *testing.T, host *netnstest.Host, _ kind) {
		host.Run(t, "nft", "delete", "table", "inet", nftName)
	}},
	{"the chain is emptied", []string{"nftables"}, func(t *testing.T, host *netnstest.Host, _ kind) {
		host.Run(t, "nft", "flush", "chain", "inet", nftName, nftChain)
	}},
	{"the table is put to sleep", []string{"nftables"}, func(t *testing.T, host *netnstest.Host, _ kind) {
		host.Run(t, "nft", "add", "table", "inet", nftName, "{ flags dormant; }")
	}},
	{"the chain is moved to the end", []string{"nftables"}, func(t *testing.T, host *netnstest.Host, _ kind) {
		host.Run(t, "nft", "delete", "chain", "inet", nftName, nftChain)
		host.Run(t, "nft", "add", "chain", "inet", nftName, nftChain, "{ type filter hook prerouting priority 300; }")
	}},
	{"another rule goes first", []string{"ipset", "capped"}, func(t *testing.T, host *netnstest.Host, k kind) {
		host.Run(t, k.iptables, "-t", "raw", "-I", "PREROUTING", "-j", "ACCEPT")
		host.Run(t, k.ip6tables, "-t", "raw", "-I", "PREROUTING", "-j", "ACCEPT")
	}},
	{"a rule is deleted", []string{"capped"}, func(t *testing.T, host *netnstest.Host, k kind) {
		host.Run(t, k.iptables, "-t", "raw", "-D", ownChain, "1")
		host.Run(t, k.ip6tables, "-t", "raw", "-D", ownChain, "1")
	}},
}

// TestDamageIsRepaired does damage and looks once, as Keep does each time: the
// ban is in force again, and what was wrong is said.
func TestDamageIsRepaired(t *testing.T) {
	eachBackend(t, func(t *testing.T, k kind) {
		for _, d := range damages {
			if !slices.ContainsFunc(d.of, func(of string) bool { return strings.HasPrefix(k.name, of) }) {
				continue
			}
			t.Run(d.name, func(t *testing.T) {
				network := netnstest.New(t, 1)
				network.Server.Echo(t, 8069)
				keeper := newKeeper(k.backend, k.bare(t, network.Server, webPorts...))
				block(t, keeper, time.Hour, families[0].ban, families[1].ban)
				d.do(t, network.Server, k)
				for _, f := range families {
					if _, err := network.Clients[0].Dial(t.Context(), t, netip.AddrPortFrom(f.server(network), 8069)); err != nil {
						t.Errorf("this does no damage: %v", err)
					}
				}
				wantMended(t, keeper)
				for _, f := range families {
					wantNoWay(t, network.Clients[0], netip.AddrPortFrom(f.server(network), 8069), dropMeter(t, k, network.Server, f))
				}
				wantUntil(t, keeper, time.Now().Add(time.Hour))
				keeper.look(t.Context(), func(m Mended) { t.Errorf("found again: %+v", m) })
			})
		}
	})
}

func wantMended(t *testing.T, k *Keeper) {
	t.Helper()
	var reports []Mended
	k.look(t.Context(), func(m Mended) { reports = append(reports, m) })
	if len(reports) != 1 || len(reports[0].Found) == 0 || reports[0].Err != nil {
		t.Fatalf("reports: %+v", reports)
	}
	t.Logf("found: %q, restored %d", reports[0].Found, reports[0].Restored)
}

// The kernel tells of a change, and the ban is back long before the 30 seconds.
func TestFlushedRulesetIsRepairedAtOnce(t *testing.T) {
	eachBackend(t, func(t *testing.T, k kind) {
		if strings.HasSuffix(k.name, "legacy") {
			return // of its tables the kernel tells nothing
		}
		network := netnstest.New(t, 1)
		network.Server.Echo(t, 8069)
		keeper := newKeeper(k.backend, k.bare(t, network.Server, webPorts...))
		keeper.changes = changes
		block(t, keeper, time.Hour, families[0].ban, families[1].ban)
		reports := keep(t, network.Server, keeper)
		began := time.Now()
		for range 2 {
			network.Server.Run(t, "nft", "flush", "ruleset")
			m := <-reports
			if m.Err != nil || len(m.Found) == 0 {
				t.Fatalf("%+v", m)
			}
			for _, f := range families {
				wantNoWay(t, network.Clients[0], netip.AddrPortFrom(f.server(network), 8069), dropMeter(t, k, network.Server, f))
			}
		}
		if took := time.Since(began); took > keepEvery {
			t.Errorf("it took %v", took)
		}
	})
}
