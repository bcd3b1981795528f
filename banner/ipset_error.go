package banner

import (
	"errors"
	"syscall"

	"github.com/vishvananda/netlink/nl"

	"odooban/banner/nfnetlink"
)

// Refusals of the ipset protocol that mean something to us, as errno values.
const (
	errNoType   = syscall.Errno(nl.IPSET_ERR_FIND_TYPE)
	errBusy     = syscall.Errno(nl.IPSET_ERR_BUSY)
	errAbsent   = syscall.Errno(nl.IPSET_ERR_EXIST)
	errNoFamily = syscall.Errno(nl.IPSET_ERR_INVALID_FAMILY)
	errFull     = syscall.Errno(nl.IPSET_ERR_TYPE_SPECIFIC) // IPSET_ERR_HASH_FULL
)

const (
	curePrivileges = "run as root, or with the capabilities CAP_NET_ADMIN and CAP_NET_RAW " +
		"(in a container: cap_add NET_ADMIN and NET_RAW)"
	cureModule = "the kernel has no ipset: modprobe ip_set_hash_net (in a container: on the host)"
)

// kernelError is a refusal of the kernel. It unwraps to a syscall.Errno.
type kernelError struct {
	errno syscall.Errno
	// line is which member of a batch was refused, from 1; 0 if it is none.
	line int
}

// refusedBySet makes a kernelError of a refusal, and leaves other errors alone.
func refusedBySet(err error) error {
	if refused, ok := errors.AsType[*nfnetlink.RefusedError](err); ok {
		return &kernelError{errno: refused.Errno, line: refusedLine(refused.Request)}
	}
	return err
}

func (e *kernelError) Unwrap() error { return e.errno }

func (e *kernelError) Error() string {
	text := e.errno.Error()
	if e.errno >= nl.IPSET_ERR_PRIVATE {
		text = nl.IPSetError(e.errno).Error()
	}
	switch e.errno {
	case syscall.EPERM, syscall.EACCES:
		return text + "; " + curePrivileges
	// Without the ip_set module nfnetlink finds the request invalid.
	case syscall.EINVAL, syscall.EPROTONOSUPPORT, syscall.EOPNOTSUPP, errNoType, errNoFamily:
		return text + "; " + cureModule
	case syscall.ENOENT:
		return "the set is gone; somebody destroyed it, odooban run puts it back within 30 s"
	case errFull:
		return "the set is full; let bans end earlier, or ban wider prefixes"
	case errBusy:
		return "the set is in use by a rule that is not ours; find it with iptables-save and ip6tables-save"
	case errAbsent:
		return "not a member"
	}
	return text
}
