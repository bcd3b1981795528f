package printable

import (
	"fmt"
	"strings"
)

// Count returns a number with what it counts: "1 ban", "2 bans", "0 addresses".
func Count[N int | int64 | uint64](n N, one string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(one, "s"):
		one += "es"
	default:
		one += "s"
	}
	return fmt.Sprintf("%d %s", n, one)
}
