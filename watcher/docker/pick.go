package docker

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
)

// Containers says which containers are meant: those that match all of what is
// set; when nothing is, those that look like Odoo.
type Containers struct {
	// Name is the container's. Image is that of its image, with registry and
	// tag, without its tag, or without anything before its last part.
	Name, Image string
	// Label is key=value, or a key that may have any value.
	Label string
	// Service is its service in Docker Compose.
	Service string
}

const composeService = "com.docker.compose.service"

// String says what is looked for.
func (c Containers) String() string {
	var parts []string
	for _, part := range []struct{ key, value string }{
		{"name", c.Name}, {"image", c.Image}, {"label", c.Label}, {"service", c.Service},
	} {
		if part.value != "" {
			parts = append(parts, part.key+"="+part.value)
		}
	}
	return strings.Join(parts, ",")
}

// Match says whether a container is meant.
func (c Containers) Match(s container.Summary) bool {
	if c == (Containers{}) {
		return looksLikeOdoo(s.Image, s.Labels[composeService])
	}
	key, value, valued := strings.Cut(c.Label, "=")
	label, labelled := s.Labels[key]
	return (c.Name == "" || slices.Contains(s.Names, "/"+c.Name)) &&
		(c.Image == "" || isImage(s.Image, c.Image)) &&
		(c.Label == "" || labelled && (!valued || label == value)) &&
		(c.Service == "" || s.Labels[composeService] == c.Service)
}

// looksLikeOdoo says whether the image or the service is called after Odoo, and
// neither after what stands beside it.
func looksLikeOdoo(image, service string) bool {
	is := func(name string) bool {
		return strings.Contains(path.Base(repository(image)), name) || strings.Contains(service, name)
	}
	return is("odoo") && !slices.ContainsFunc([]string{"odooban", "postgres", "traefik"}, is)
}

// isImage says whether ref is what want says.
func isImage(ref, want string) bool {
	repo := repository(ref)
	return ref == want || repo == want || path.Base(repo) == want || strings.TrimPrefix(ref, "docker.io/library/") == want
}

// repository is an image's name without its tag and digest.
func repository(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	if colon := strings.LastIndexByte(ref, ':'); colon > strings.LastIndexByte(ref, '/') {
		ref = ref[:colon]
	}
	return ref
}

// calls gives a container's own name. Others are links of other containers.
func calls(names []string) string {
	for _, name := range names {
		if name = strings.TrimPrefix(name, "/"); !strings.Contains(name, "/") {
			return name
		}
	}
	return "unnamed"
}
