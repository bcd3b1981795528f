package control

import (
	"errors"
	"fmt"
	"net"

	"odooban/internal/groupsocket"
)

// Listen makes the socket at path. See groupsocket.
func Listen(path string) (net.Listener, error) {
	listener, err := groupsocket.Listen(path)
	switch {
	case errors.Is(err, groupsocket.ErrTaken):
		return nil, fmt.Errorf("open control socket: another odooban listens at %s; stop it, or give this one a socket "+
			"of its own (socket in the configuration)", path)
	case err != nil:
		return nil, fmt.Errorf("open control socket: %w; move away what is in the way, or name another under socket "+
			"in the configuration", err)
	}
	return listener, nil
}
