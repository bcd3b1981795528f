package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// errStalled says that the engine has lines that it does not send.
var errStalled = errors.New("the engine has stopped sending")

// explain says what to do when the engine cannot be asked.
func explain(host string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission), strings.Contains(err.Error(), "permission denied"):
		return fmt.Errorf("ask Docker at %s: %w; add odooban's user to the group docker (systemctl edit odooban: "+
			"SupplementaryGroups=docker), or let DOCKER_HOST name a socket proxy", host, fs.ErrPermission)
	case errors.Is(err, fs.ErrNotExist), strings.Contains(err.Error(), "no such file"):
		return fmt.Errorf("ask Docker at %s: %w; start it (systemctl start docker), or let DOCKER_HOST say where it is",
			host, fs.ErrNotExist)
	case errdefs.IsPermissionDenied(err):
		return fmt.Errorf("ask Docker at %s: %w; let the socket proxy allow CONTAINERS, EVENTS and PING", host, err)
	case client.IsErrConnectionFailed(err), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, io.EOF),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("ask Docker at %s: it does not answer; start it (systemctl start docker), or let DOCKER_HOST say "+
			"where it is", host)
	}
	return fmt.Errorf("ask Docker at %s: %w", host, err)
}

// explainContainer says what to do when a container's log cannot be read. It
// returns nil for what is told of the engine, or passes.
func explainContainer(name, driver string, err error) error {
	switch {
	case client.IsErrConnectionFailed(err), errdefs.IsConflict(err), errors.Is(err, errStalled),
		errors.Is(err, syscall.ECONNREFUSED),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil
	case strings.Contains(err.Error(), "does not support reading"):
		return fmt.Errorf("read %s: Docker keeps nothing of its log (log driver %s); give the container the log driver "+
			"local or json-file (in compose: \"logging: {driver: local}\") and create it anew", name, driver)
	case errdefs.IsPermissionDenied(err):
		return fmt.Errorf("read %s: %w; let the socket proxy allow CONTAINERS", name, err)
	case errors.Is(err, errStream):
		return fmt.Errorf("read %s: %w; it is tried again (if it stays so, report it with docker version)", name, err)
	}
	return fmt.Errorf("read %s: %w; it is tried again (if its log is damaged, create the container anew)", name, err)
}
