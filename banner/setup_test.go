package banner

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"odooban/internal/netnstest"
)

const (
	tcpRule = "-A PREROUTING -p tcp -m multiport --dports 80,443,8069,8072 " +
		"-m set --match-set odooban4 src -m comment --comment odooban -j DROP"
	udpRule = "-A PREROUTING -p udp -m multiport --dports 80,443,8069,8072 " +
		"-m set --match-set odooban4 src -m comment --comment odooban -j DROP"
)

// chain returns the rules of the chain that ours stand in.
func chain(t *testing.T, host *netnstest.Host, tables string) []string {
	t.Helper()
	rules := []string{}
	for line := range strings.SplitSeq(host.Run(t, tables, "-t", ruleTable, "-S", ruleChain), "\n") {
		if strings.HasPrefix(line, "-A") {
			rules = append(rules, strings.TrimSpace(line))
		}
	}
	return rules
}

func wantChain(t *testing.T, host *netnstest.Host, tables string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), chain(t, host, tables)); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

func repair(t *testing.T, host *netnstest.Host, fw backend) (repaired bool) {
	t.Helper()
	var found []string
	err := host.Do(func() (err error) {
		found, err = fw.Repair(t.Context())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(found) > 0
}

func TestSetUpAgainAdoptsTheBans(t *testing.T) {
	eachVariant(t, func(t *testing.T, opts Options) {
		host := netnstest.New(t, 0).Server
		block(t, setUp(t, host, opts), time.Hour, "203.0.113.7/32", "2001:db8:1::/64")
		fw := setUp(t, host, opts)
		wantBlocked(t, fw, "203.0.113.7/32", "2001:db8:1::/64")
		wantChain(t, host, opts.IPTables, tcpRule, udpRule)
		wantChain(t, host, opts.IP6Tables, strings.ReplaceAll(tcpRule, "odooban4", "odooban6"),
			strings.ReplaceAll(udpRule, "odooban4", "odooban6"))
		if repair(t, host, fw) {
			t.Error("there was nothing to repair")
		}
	})
}

func TestSetMadeByHandIsAdopted(t *testing.T) {
	host := netnstest.New(t, 0).Server
	host.Run(t, "ipset", "create", "odooban4", "hash:net", "timeout", "600", "comment")
	host.Run(t, "ipset", "add", "odooban4", "203.0.113.0/24")
	host.Run(t, "ipset", "add", "odooban4", "198.51.100.7", "timeout", "0")
	fw := setUp(t, host, Options{})
	block(t, fw, time.Hour, "203.0.113.7/32")
	wantBlocked(t, fw, "198.51.100.7/32", "203.0.113.0/24", "203.0.113.7/32")
	bans, err := fw.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !bans[0].Until.IsZero() || bans[1].Until.IsZero() {
		t.Errorf("only the first is for ever: %v", bans)
	}
}

func TestWrongSetIsNotTouched(t *testing.T) {
	for _, c := range []struct{ name, kind string }{
		{"another type", "hash:ip timeout 0"},
		{"another family", "hash:net family inet6 timeout 0"},
		{"no timeouts", "hash:net"},
	} {
		t.Run(c.name, func(t *testing.T) {
			host := netnstest.New(t, 0).Server
			host.Run(t, "ipset", append([]string{"create", "odooban4"}, strings.Fields(c.kind)...)...)
			_, err := trySetUpOn(t, host, Options{})
			wantText(t, err, "adopt set odooban4", "ipset destroy odooban4")
		})
	}
}

func wantText(t *testing.T, err error, words ...string) {
	t.Helper()
	text := mustFail(t, err)
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("error says nothing of %q:\n%s", w, text)
		}
	}
	if strings.Contains(text, "\n") {
		t.Errorf("error has several lines:\n%s", text)
	}
}

func TestRulesAreMovedToTheFront(t *testing.T) {
	eachVariant(t, func(t *testing.T, opts Options) {
		host := netnstest.New(t, 0).Server
		other := opts
		other.Ports = []uint16{8069}
		setUp(t, host, other)
		accept := []string{"-s", "192.0.2.0/24", "-m", "comment", "--comment", "not odooban", "-j", "ACCEPT"}
		host.Run(t, opts.IPTables, append([]string{"-t", ruleTable, "-I", ruleChain}, accept...)...)
		fw := setUp(t, host, opts)
		foreign := `-A PREROUTING -s 192.0.2.0/24 -m comment --comment "not odooban" -j ACCEPT`
		wantChain(t, host, opts.IPTables, tcpRule, udpRule, foreign)

		host.Run(t, opts.IPTables, append([]string{"-t", ruleTable, "-I", ruleChain}, accept...)...)
		if !repair(t, host, fw) {
			t.Error("the rules were not first")
		}
		wantChain(t, host, opts.IPTables, tcpRule, udpRule, foreign, foreign)

		host.Run(t, opts.IPTables, "-t", ruleTable, "-D", ruleChain, "1")
		if !repair(t, host, fw) {
			t.Error("a rule was missing")
		}
		wantChain(t, host, opts.IPTables, tcpRule, udpRule, foreign, foreign)
	})
}

func TestRepairAfterNftFlushKeepsTheBans(t *testing.T) {
	host := netnstest.New(t, 0).Server
	opts := Options{IPTables: "iptables-nft", IP6Tables: "ip6tables-nft"}
	fw := setUp(t, host, opts)
	block(t, fw, time.Hour, "203.0.113.7/32")
	host.Run(t, "nft", "flush", "ruleset")
	if !repair(t, host, fw) {
		t.Error("the rules were gone")
	}
	wantBlocked(t, fw, "203.0.113.7/32")
	if got := chain(t, host, opts.IPTables); len(got) != 1 {
		t.Errorf("rules: %q", got)
	}
}

func TestManyPortsTakeSeveralRules(t *testing.T) {
	eachVariant(t, func(t *testing.T, opts Options) {
		host := netnstest.New(t, 0).Server
		opts.Ports = nil
		for p := range uint16(20) {
			opts.Ports = append(opts.Ports, 8000+p, 8000+p)
		}
		fw := setUp(t, host, opts)
		if got := chain(t, host, opts.IPTables); len(got) != 4 {
			t.Errorf("rules: %q", got)
		}
		if repair(t, host, fw) {
			t.Error("there was nothing to repair")
		}
	})
}

func TestRemoveLeavesNothing(t *testing.T) {
	eachVariant(t, func(t *testing.T, opts Options) {
		host := netnstest.New(t, 0).Server
		fw := setUp(t, host, opts)
		block(t, fw, time.Hour, "203.0.113.7/32", "2001:db8:1::/64")
		for range 2 {
			if err := host.Do(func() error { return fw.Remove(t.Context()) }); err != nil {
				t.Fatal(err)
			}
			wantChain(t, host, opts.IPTables)
			wantChain(t, host, opts.IP6Tables)
			if sets := host.Run(t, "ipset", "list", "-name"); sets != "" {
				t.Errorf("sets: %s", sets)
			}
		}
		if _, err := fw.List(t.Context()); err == nil || !strings.Contains(err.Error(), "odooban4: the set is gone") {
			t.Errorf("list without a set: %v", err)
		}
		if !repair(t, host, fw) {
			t.Error("everything was gone")
		}
	})
}

func TestFullSetSaysWhichBanFailed(t *testing.T) {
	host := netnstest.New(t, 0).Server
	host.Run(t, "ipset", "create", "odooban4", "hash:net", "timeout", "0", "maxelem", "3", "bucketsize", "2", "hashsize", "64")
	fw := setUp(t, host, Options{})
	err := fw.Block(t.Context(), manyBans(200, 0))
	wantText(t, err, "block 10.0.0.", "odooban4", "the set is full")
	if n := len(blocked(t, fw)); n == 0 || n == 200 {
		t.Errorf("%d in force", n)
	}
}

func TestWithoutIPv6(t *testing.T) {
	host := netnstest.New(t, 1).Server
	fw, err := trySetUpOn(t, host, Options{IP6Tables: "/nonexistent/ip6tables"})
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, fw.IPv6(), "IPv6 is not guarded", "/nonexistent/ip6tables")
	bans := manyBans(2, 2)
	wantText(t, fw.Block(t.Context(), bans), "IPv6 is not guarded", bans[2].Prefix.String())
	wantBlocked(t, fw, "10.0.0.0/32", "10.0.0.1/32")
	if err := host.Do(func() error { return fw.Remove(t.Context()) }); err != nil {
		t.Error(err)
	}
}

func TestWithoutIPTables(t *testing.T) {
	host := netnstest.New(t, 0).Server
	path := os.Getenv("PATH")
	t.Setenv("PATH", t.TempDir())
	_, err := trySetUpOn(t, host, Options{})
	wantText(t, err, "apt install iptables")
	t.Setenv("PATH", path)
	if left := host.Run(t, "ipset", "save"); left != "" {
		t.Errorf("left behind:\n%s", left)
	}
}

// A set that can be made, but no rule, is not left behind.
func TestWithoutSetMatch(t *testing.T) {
	host := netnstest.New(t, 0).Server
	path := filepath.Join(t.TempDir(), "iptables")
	const script = "#!/bin/sh\ncase \"$*\" in\n" +
		"*--version*) echo 'iptables v1.8.9 (nf_tables)' ;;\n*-S*) ;;\n*) echo \"Extension set\" >&2; exit 4 ;;\nesac\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := trySetUpOn(t, host, Options{IPTables: path})
	wantText(t, err, "modprobe -a xt_set")
	if left := host.Run(t, "ipset", "save"); left != "" {
		t.Errorf("left behind:\n%s", left)
	}
}

func TestLockFileThatCannotBeWritten(t *testing.T) {
	host := netnstest.New(t, 0).Server
	t.Setenv("XTABLES_LOCKFILE", filepath.Join(t.TempDir(), "missing", "lock"))
	_, err := trySetUpOn(t, host, Options{IPTables: "iptables-legacy", IP6Tables: "ip6tables-legacy"})
	wantText(t, err, "set XTABLES_LOCKFILE=")
}

func TestPrivileges(t *testing.T) {
	for _, c := range []struct {
		name, variant string
		caps          []uintptr
		want          string
	}{
		{"none", "nft", nil, "CAP_NET_ADMIN"},
		{"none", "legacy", nil, "CAP_NET_ADMIN"},
		{"without raw", "nft", []uintptr{unix.CAP_NET_ADMIN}, "CAP_NET_RAW"},
		{"enough", "nft", []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW}, "<nil>"},
		{"enough but the lock", "legacy", []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW}, "XTABLES_LOCKFILE"},
	} {
		t.Run(c.name+" "+c.variant, func(t *testing.T) {
			out := asNobody(t, netnstest.New(t, 0).Server, c.caps, trySetUp, "iptables-"+c.variant, "ip6tables-"+c.variant)
			if !strings.Contains(out, c.want) {
				t.Errorf("want %s:\n%s", c.want, out)
			}
		})
	}
}

// asNobody runs the test binary on the host as an ordinary user with these
// capabilities and returns what it printed.
func asNobody(t *testing.T, host *netnstest.Host, caps []uintptr, args ...string) string {
	t.Helper()
	const nobody = 65534
	// Everybody may run what this link leads to, wherever it is.
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Dir = "/"
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "XTABLES_") })
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: nobody, Gid: nobody},
		AmbientCaps: caps,
	}
	var out []byte
	err := host.Do(func() (err error) {
		out, err = cmd.CombinedOutput()
		return err
	})
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}
