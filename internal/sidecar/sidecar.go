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
	// Contained says that this process runs in a container of Docker or Podman.
	Contained bool
	// Wide says that the network has hardware or bridges, as the host's has and
	// a container's own has not.
	Wide bool
	// Alone says that there is nothing but loopback.
	Alone bool
	// Listening are the TCP ports, in their order, that anyone in this network
	// serves to others. They are known only where the network is not Wide.
	Listening []uint16
}

// Look returns the place of the calling thread as it is now.
func Look() (Place, error) {
	links, err := netlink.LinkList()
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
	}
	return p, err
}

// contained knows containers by the marks that Docker and Podman leave in them.
func contained() bool {
	return slices.ContainsFunc([]string{"/.dockerenv", "/run/.containerenv"}, func(mark string) bool {
		_, err := os.Stat(mark)
		return !errors.Is(err, fs.ErrNotExist)
	})
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

// leadsOut says whether packets could come from elsewhere through link.
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
