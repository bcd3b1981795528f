package banner

import "golang.org/x/sys/unix"

// mayMatchSets says whether we have the privilege that iptables needs for a rule
// that matches an ipset: it asks the kernel about the set through a raw socket.
func mayMatchSets() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	err := unix.Capget(&header, &data[0])
	return err != nil || data[0].Effective&(1<<unix.CAP_NET_RAW) != 0
}
