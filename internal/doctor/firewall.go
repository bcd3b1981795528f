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
	"odooban/internal/finding"
)

// Firewall is what can be seen of the packet filter. Nothing of it changes the
// one that is in force.
type Firewall interface {
	// Inspect says what of ours is in place, and what is missing of rules for the
	// ports.
	Inspect(ports []uint16) ([]banner.Inspection, error)
	// Try says whether a firewall could be set up.
	Try(ctx context.Context) error
	// Stale names the variant of iptables that holds rules of ours although the
	// other one is used, or none.
	Stale(ctx context.Context) (variant string, err error)
}

// checkFirewall looks whether the firewall is in force, or could be.
func checkFirewall(ctx context.Context, x *examination) error {
	state := x.ask(ctx)
	if x.Config.Firewall.Backend == banner.BackendDryRun || state != nil && state.Backend == banner.BackendDryRun {
		x.find(finding.DryRun, "", "the backend of the firewall is dry-run", "")
		return nil
	}
	ports := x.Config.Firewall.Ports
	if state != nil && state.Ports != nil {
		ports = state.Ports // a variable may say others
	}
	if x.Blind != nil {
		if err := x.Blind(ports); err != nil {
			x.find(finding.NoClients, "", err.Error(), "")
		}
	}
	if x.Firewall == nil {
		return errors.New("only root may look at it; run odooban doctor as root")
	}
	places, err := x.Firewall.Inspect(ports)
	if err != nil {
		return err
	}
	if variant, err := x.Firewall.Stale(ctx); err == nil && variant != "" {
		x.find(finding.TwoVariants, "iptables-"+variant,
			"iptables-"+variant+"-save -t raw shows rules with the comment odooban", removeStale(variant))
	}
	if state != nil {
		// What an earlier backend has left is not what the daemon needs.
		places = slices.DeleteFunc(places, func(p banner.Inspection) bool { return p.Backend != state.Backend })
	}
	for _, p := range places {
		if len(p.Missing) > 0 {
			x.find(finding.FirewallMissing, p.Backend, strings.Join(p.Missing, "\n"), "")
		}
		if len(p.IPv6) > 0 {
			x.find(finding.IPv6Open, p.Backend, strings.Join(p.IPv6, "\n"), "")
		}
	}
	if len(places) > 0 {
		return nil
	}
	if state != nil {
		x.find(finding.FirewallMissing, state.Backend,
			"nothing of odooban's is in the packet filter of this network namespace",
			"run odooban doctor where the daemon runs; if it does, wait 30 seconds: the daemon puts back what is missing")
		return nil
	}
	if err := x.Firewall.Try(ctx); err != nil {
		x.find(finding.FirewallFailed, "", err.Error(), "any one of the backends is enough: do what its line says")
	}
	return nil
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

// legacyRaw says whether the kernel has the raw table of legacy iptables; to
// look with iptables would make it.
func legacyRaw() bool {
	// It is of the network namespace of the calling thread.
	names, err := os.ReadFile("/proc/thread-self/net/ip_tables_names")
	return err == nil && strings.Contains(string(names), "raw")
}
