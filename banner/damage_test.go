package banner

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"odooban/internal/await"
	"odooban/internal/netnstest"
)

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
		await.Until(t, "destroyed sets", func() bool {
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

// The kernel tells of a change, and the ban is back without another look.
func TestFlushedRulesetIsRepairedAtOnce(t *testing.T) {
	eachBackend(t, func(t *testing.T, k kind) {
		if strings.HasSuffix(k.name, "legacy") {
			return // of its tables the kernel tells nothing
		}
		network := netnstest.New(t, 1)
		network.Server.Echo(t, 8069)
		keeper := newKeeper(k.backend, k.bare(t, network.Server, webPorts...))
		listening := make(chan struct{})
		keeper.changes = func(ctx context.Context) (<-chan struct{}, func()) {
			defer close(listening)
			return changes(ctx)
		}
		block(t, keeper, time.Hour, families[0].ban, families[1].ban)
		keeper.every = time.Hour // else it would be found sooner or later
		reports := keep(t, network.Server, keeper)
		<-listening
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
	})
}
