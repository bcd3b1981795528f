package banner

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"odooban/banner/nfnetlink"
)

var someMembers = []member{
	{prefix: netip.MustParsePrefix("203.0.113.7/32"), seconds: 900},
	{prefix: netip.MustParsePrefix("198.51.100.0/24")},
	{prefix: netip.MustParsePrefix("2001:db8:1::/64"), seconds: maxTimeout},
}

// refused is what the kernel says about a batch whose second member it refuses.
func refused(errno syscall.Errno) *nfnetlink.RefusedError {
	request := append(make([]byte, unix.SizeofNlMsghdr), setMembers("odooban4", someMembers)...)
	return &nfnetlink.RefusedError{Errno: errno, Request: nfnetlink.Attr32(request, nl.IPSET_ATTR_LINENO, 2)}
}

func TestReadReply(t *testing.T) {
	payload := append(newSet("odooban6", unix.AF_INET6), setMembers("odooban6", someMembers)[nl.SizeofNfgenmsg:]...)
	var got setReply
	if err := got.read(payload); err != nil {
		t.Fatal(err)
	}
	want := setReply{kind: "hash:net", family: unix.AF_INET6, timeouts: true, members: someMembers}
	exact := cmp.Options{cmp.AllowUnexported(setReply{}, member{}), cmpopts.EquateComparable(netip.Prefix{})}
	if diff := cmp.Diff(want, got, exact); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
}

func TestReadReplyCutShort(t *testing.T) {
	whole := setMembers("odooban4", someMembers)
	for n := range whole {
		var reply setReply
		err := reply.read(whole[:n])
		if len(reply.members) > len(someMembers) || err != nil && !errors.Is(err, nfnetlink.ErrGarbled) {
			t.Fatalf("%d bytes: %d members, %v", n, len(reply.members), err)
		}
	}
}

func TestRefusal(t *testing.T) {
	for _, c := range []struct {
		name    string
		refused *nfnetlink.RefusedError
		is      error
		line    int
		says    string
	}{
		{"not permitted", refused(syscall.EPERM), syscall.EPERM, 2, "CAP_NET_ADMIN"},
		{"no module", refused(syscall.EINVAL), syscall.EINVAL, 2, "modprobe ip_set_hash_net"},
		{"no type", refused(errNoType), errNoType, 2, "modprobe ip_set_hash_net"},
		{"full", refused(errFull), errFull, 2, "the set is full"},
		{"in use", refused(errBusy), errBusy, 2, "iptables-save"},
		{"no request", &nfnetlink.RefusedError{Errno: syscall.ENOMEM}, syscall.ENOMEM, 0, "cannot allocate memory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := refusedBySet(fmt.Errorf("ask: %w", c.refused))
			if !errors.Is(err, c.is) {
				t.Fatalf("error: %v", err)
			}
			var refused *kernelError
			if errors.As(err, &refused) && refused.line != c.line {
				t.Errorf("line %d, want %d", refused.line, c.line)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error says nothing of %q: %v", c.says, err)
			}
		})
	}
}

func TestSeconds(t *testing.T) {
	for _, c := range []struct {
		name string
		in   time.Duration
		want uint32
	}{
		{"a moment", 1, 1},
		{"exact", time.Second, 1},
		{"rounds up", time.Second + 1, 2},
		{"the guide's", 15 * time.Minute, 900},
		{"longest", maxTimeout * time.Second, maxTimeout},
		{"longer", maxTimeout*time.Second + 1, maxTimeout},
		{"for ever", math.MaxInt64, maxTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := seconds(c.in); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}

// FuzzReadReply feeds the reader of listings with what it does not expect. It
// may refuse it, but what it takes must be prefixes.
func FuzzReadReply(f *testing.F) {
	f.Add(setMembers("odooban4", someMembers))
	f.Add(newSet("odooban6", unix.AF_INET6))
	f.Add(setHeader("odooban4"))
	f.Add([]byte{2, 0, 0, 0, 3, 0, 8, 128})
	f.Fuzz(func(t *testing.T, payload []byte) {
		var reply setReply
		if err := reply.read(payload); err != nil && !errors.Is(err, nfnetlink.ErrGarbled) {
			t.Errorf("unexpected error: %v", err)
		}
		for _, m := range reply.members {
			if !m.prefix.IsValid() {
				t.Errorf("invalid prefix %v", m.prefix)
			}
		}
	})
}

// FuzzRefusedLine does the same to the reader of requests that are sent back.
func FuzzRefusedLine(f *testing.F) {
	f.Add(refused(syscall.EPERM).Request)
	f.Add([]byte{0, 0, 0, 128})
	f.Fuzz(func(t *testing.T, request []byte) {
		if line := refusedLine(request); len(request) < unix.SizeofNlMsghdr+nl.SizeofNfgenmsg && line != 0 {
			t.Errorf("line %d of a request without any", line)
		}
	})
}
