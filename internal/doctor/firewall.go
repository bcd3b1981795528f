package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/vishvananda/netns"

	"odooban/banner"
	"odooban/internal/checkup"
	"odooban/internal/finding"
)

// Firewall is what can be seen of the packet filter. Nothing of it changes the
// one that is in force.
type Firewall interface {
	// Inspect says what of ours is in place, and what is missing of rules for the
	// ports.
	Inspect(ports []uint16) ([]banner.Inspection, error)
	// Try reports whether a firewall could be set up.
	Try(ctx context.Context) error
	// Stale names the variant of iptables that holds rules of ours although the
	// other one is used, or none.
	Stale(ctx context.Context) (variant string, err error)
}

// filter is what was seen of the packet filter.
type filter struct {
	dryRun bool
	// blind says why no client's packets pass.
	blind error
	// places are what of ours is in place.
	places []banner.Inspection
	// gone is set when nothing is in place of what the daemon has set up.
	gone bool
	// stale is the variant of iptables that holds rules of ours although the other
	// one is used, or empty.
	stale string
	// failed is why none could be set up, where no daemon has one.
	failed error
}

// gatherFirewall looks at the firewall.
func gatherFirewall(ctx context.Context, x *facts, _ *checkup.Report) error {
	state, f := x.ask(ctx), &x.filter
	f.dryRun = x.Config.Firewall.Backend == banner.BackendDryRun || state != nil && state.Backend == banner.BackendDryRun
	if f.dryRun {
		return nil
	}
	ports := x.Config.Firewall.Ports
	if state != nil && state.Ports != nil {
		ports = state.Ports // a variable may say others
	}
	if x.Blind != nil {
		f.blind = x.Blind(ports)
	}
	if x.Firewall == nil {
		return errors.New("only root may look at it; run odooban doctor as root")
	}
	return within(ctx, func(ctx context.Context) (err error) {
		if state == nil {
			f.failed = x.Firewall.Try(ctx) // whatever an earlier daemon has left
		}
		f.places, err = x.Firewall.Inspect(ports)
		if err != nil && f.failed == nil { // else that is why
			return err
		}
		f.stale, _ = x.Firewall.Stale(ctx)
		if state != nil {
			// What an earlier backend has left is not what the daemon needs.
			f.places = slices.DeleteFunc(f.places, func(p banner.Inspection) bool { return p.Backend != state.Backend })
			if len(f.places) == 0 {
				f.places = []banner.Inspection{{Backend: state.Backend}}
				f.gone = true
			}
		}
		return nil
	})
}

// checkFirewall looks whether the firewall is in force, or could be.
func checkFirewall(x *facts, r *checkup.Report) {
	f := &x.filter
	if f.dryRun {
		r.Find(finding.DryRun, "", "the backend of the firewall is dry-run", "")
	}
	if f.blind != nil {
		r.Find(finding.NoClients, "", f.blind.Error(), "")
	}
	if f.stale != "" {
		r.Find(finding.TwoVariants, "iptables-"+f.stale,
			"iptables-"+f.stale+"-save -t raw shows rules with the comment odooban", removeStale(f.stale))
	}
	if f.failed != nil {
		r.Find(finding.FirewallFailed, "", f.failed.Error(), "any one of the backends is enough: do what its line says")
	}
	for _, p := range f.places {
		if f.gone {
			r.Find(finding.FirewallMissing, p.Backend, "nothing of odooban's is in the packet filter of this network namespace",
				"run odooban doctor where the daemon runs; if it does, wait 30 seconds: the daemon puts back what is missing")
		}
		if len(p.Missing) > 0 {
			r.Find(finding.FirewallMissing, p.Backend, strings.Join(p.Missing, "\n"), "")
		}
		if len(p.IPv6) > 0 {
			r.Find(finding.IPv6Open, p.Backend, strings.Join(p.IPv6, "\n"), "")
		}
	}
}

func removeStale(variant string) string {
	line := "%[1]s-%[2]s-save -t raw | grep -v -- '--comment odooban' | %[1]s-%[2]s-restore -T raw"
	return fmt.Sprintf(line, "iptables", variant) + "\n" + fmt.Sprintf(line, "ip6tables", variant)
}

// Netfilter is the packet filter of the calling thread's network namespace.
type Netfilter struct{ Options banner.Options }

// Inspect says what of ours is in place.
func (n Netfilter) Inspect(ports []uint16) ([]banner.Inspection, error) {
	n.Options.Ports = ports
	return banner.Inspect(n.Options)
}

// Try sets a firewall up in a network namespace of its own, which is gone
// afterwards.
func (n Netfilter) Try(ctx context.Context) error {
	done := make(chan error)
	go func() {
		// Never unlocked: the thread ends with the goroutine, and with both the
		// namespace.
		runtime.LockOSThread()
		ns, err := netns.New()
		if err != nil {
			done <- fmt.Errorf("make network namespace: %w; run odooban doctor as root", err)
			return
		}
		defer ns.Close()
		keeper, err := banner.Open(ctx, n.Options)
		if err == nil {
			err = keeper.Close()
		}
		done <- err
	}()
	return <-done
}

// Stale looks with the variant that iptables in PATH is not.
func (Netfilter) Stale(ctx context.Context) (string, error) {
	used, err := exec.CommandContext(ctx, "iptables", "--version").Output()
	if err != nil {
		return "", err
	}
	other := "legacy"
	if strings.Contains(string(used), "legacy") {
		other = "nft"
	}
	if other == "legacy" && !legacyRaw() {
		return "", nil
	}
	saved, err := exec.CommandContext(ctx, "iptables-"+other+"-save", "-t", "raw").Output()
	if err != nil || !strings.Contains(string(saved), "--comment odooban") {
		return "", err
	}
	return other, nil
}

// legacyRaw reports whether the kernel has the raw table of legacy iptables; to
// look with iptables would make it.
func legacyRaw() bool {
	// It is of the network namespace of the calling thread.
	names, err := os.ReadFile("/proc/thread-self/net/ip_tables_names")
	return err == nil && strings.Contains(string(names), "raw")
}
