package banner

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// nftError says what failed and what to do about it; nil stays nil.
func nftError(doing string, err error) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("%s: the kernel does not answer: %w", doing, err)
		}
		return wrap(doing, err)
	}
	var cure string
	switch errno {
	case syscall.EPERM, syscall.EACCES:
		cure = "run as root, or with the capability CAP_NET_ADMIN (in a container: cap_add NET_ADMIN)"
	case syscall.EINVAL, syscall.EOPNOTSUPP, syscall.EPROTONOSUPPORT, syscall.EAFNOSUPPORT:
		cure = "the kernel lacks nftables: modprobe nf_tables (in a container: on the host)"
	case syscall.ENOENT:
		cure = "somebody deleted table inet " + nftName + ", odooban run puts it back within 30 s"
	case syscall.EEXIST, syscall.EBUSY:
		cure = "table inet " + nftName + " is not as we make it; remove it with: nft delete table inet " + nftName
	default:
		return fmt.Errorf("%s: %w", doing, errno)
	}
	return fmt.Errorf("%s: %w; %s", doing, errno, cure)
}

// wrap says what failed; nil stays nil.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
