// Package sidecar knows whether odooban, when it runs in a container, stands
// where clients come by.
//
// In a container with a network of its own the firewall can be set up without
// an error and keeps nobody away, because nobody's packets pass there. The
// package promises to tell that from what the kernel shows of the network, so
// that no engine has to be asked, and to notice when a network that is shared
// with another container has died with it.
package sidecar

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
)

// Place is the network that odooban stands in.
type Place struct {
	// Contained says that this process runs in a container.
	Contained bool
	// Wide says that the network has hardware or bridges, as the host's has and
	// a container's own has not.
	Wide bool
	// Alone says that there is nothing but loopback.
	Alone bool
	// Listening are the TCP ports, in their order, that anyone in this network
	// serves to others, but for ours. They are known only where the network is
	// not Wide.
	Listening []uint16
}

// Look returns the place of the calling thread as it is now. On our ports odooban
// itself listens; they are nobody's that clients come for.
func Look(ours ...uint16) (Place, error) {
	links, err := Complete(netlink.LinkList)
	if err != nil {
		return Place{}, fmt.Errorf("list network interfaces: %w", err)
	}
	p := Place{
		Contained: contained(),
		Wide:      slices.ContainsFunc(links, isWide),
		Alone:     !slices.ContainsFunc(links, leadsOut),
	}
	if !p.Wide {
		p.Listening, err = listening()
		p.Listening = slices.DeleteFunc(p.Listening, func(port uint16) bool { return slices.Contains(ours, port) })
	}
	return p, err
}

// Apart reports whether links are all that a container has in a network of its own,
// and this process runs in one.
func Apart(links []netlink.Link) bool { return contained() && !slices.ContainsFunc(links, isWide) }

// Complete lists again when the list changed while it was read.
func Complete[T any](list func() ([]T, error)) (all []T, err error) {
	const tries = 5
	for range tries {
		if all, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return all, err
}

// contained knows containers by the marks that Docker and Podman leave in them and
// Kubernetes in their environment, and all others by what they are there for: to
// run odooban.
func contained() bool {
	if _, pod := os.LookupEnv("KUBERNETES_SERVICE_HOST"); pod || first() {
		return true
	}
	return slices.ContainsFunc([]string{"/.dockerenv", "/run/.containerenv"}, func(mark string) bool {
		_, err := os.Stat(mark)
		return !errors.Is(err, fs.ErrNotExist)
	})
}

// first reports whether the first process here is odooban: this one, or the one that
// this one was started beside.
func first() bool {
	here, err := os.Stat("/proc/self/exe")
	if err != nil {
		return false
	}
	there, err := os.Stat("/proc/1/exe")
	return err == nil && os.SameFile(here, there)
}

// isWide knows the interfaces that a container's own network never has: it is
// plugged in by one end of a veth, or by a macvlan or ipvlan, and the kernel
// may add a tunnel of each kind that is down.
func isWide(link netlink.Link) bool {
	switch link.Type() {
	case "bridge", "bond", "team", "vlan", "openvswitch":
		return true
	case "device":
		return link.Attrs().Flags&net.FlagLoopback == 0
	}
	return link.Attrs().MasterIndex != 0
}

// leadsOut reports whether packets could come from elsewhere through link.
func leadsOut(link netlink.Link) bool {
	return link.Attrs().Flags&net.FlagLoopback == 0 && link.Attrs().Flags&net.FlagUp != 0
}

// Blind returns nil where a firewall that guards these ports, or all when there
// are none, may meet packets of clients, else why not and what to do.
func (p Place) Blind(ports []uint16) error {
	if !p.Contained || p.Wide || p.serves(ports) {
		return nil
	}
	const cure = "run this container with network_mode: host"
	if len(p.Listening) == 0 {
		return errors.New("no client comes by here: the network is this container's own and nobody listens in it; " + cure)
	}
	return fmt.Errorf("no client comes by here: in this container's network nobody listens on the guarded ports %s, "+
		"but on %s; %s, or, if it is the proxy's network, name its ports under firewall.ports",
		list(ports), list(p.Listening), cure)
}

func (p Place) serves(ports []uint16) bool {
	if len(ports) == 0 {
		return len(p.Listening) > 0
	}
	return slices.ContainsFunc(ports, func(port uint16) bool { return slices.Contains(p.Listening, port) })
}

func list(ports []uint16) string {
	return strings.Trim(fmt.Sprint(ports), "[]")
}
