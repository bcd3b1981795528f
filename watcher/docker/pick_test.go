package docker

import (
	"testing"

	"github.com/moby/moby/api/types/container"
)

func TestContainersMatch(t *testing.T) {
	service := func(name string) map[string]string { return map[string]string{composeService: name} }
	for _, test := range []struct {
		name string
		pick Containers
		has  container.Summary
		want bool
	}{
		{"Odoo's image", Containers{}, container.Summary{Image: "odoo:19"}, true},
		{"an image after Odoo", Containers{}, container.Summary{Image: "registry:5000/shop/my-odoo@sha256:0"}, true},
		{"a registry after Odoo", Containers{}, container.Summary{Image: "odoo.example/shop/web:1"}, false},
		{"a service called after Odoo", Containers{}, container.Summary{Image: "shop-web", Labels: service("odoo")}, true},
		{"another service", Containers{}, container.Summary{Image: "shop-web", Labels: service("web")}, false},
		{"Odoo's database", Containers{}, container.Summary{Image: "postgres:15", Labels: service("odoo-db")}, false},
		{"a database in the image's name", Containers{}, container.Summary{Image: "odoo-postgres"}, false},
		{"Odoo's proxy", Containers{}, container.Summary{Image: "traefik:v3", Labels: service("odoo-proxy")}, false},
		{"ourselves", Containers{}, container.Summary{Image: "odooban:1", Labels: service("odooban")}, false},
		{"the name", Containers{Name: "web"}, container.Summary{Names: []string{"/other/web", "/web"}}, true},
		{"another name", Containers{Name: "web"}, container.Summary{Names: []string{"/web-1"}}, false},
		{"the image whole", Containers{Image: "shop/web:1"}, container.Summary{Image: "shop/web:1"}, true},
		{"the image without tag", Containers{Image: "shop/web"}, container.Summary{Image: "shop/web:1@sha256:0"}, true},
		{"the image's last part", Containers{Image: "web"}, container.Summary{Image: "host:5000/shop/web"}, true},
		{"another image", Containers{Image: "web"}, container.Summary{Image: "shop/webmail"}, false},
		{"the label", Containers{Label: "role=web"}, container.Summary{Labels: map[string]string{"role": "web"}}, true},
		{"the label's key", Containers{Label: "role"}, container.Summary{Labels: map[string]string{"role": ""}}, true},
		{"the label's other value", Containers{Label: "role=web"}, container.Summary{
			Labels: map[string]string{"role": "db"},
		}, false},
		{"no such label", Containers{Label: "role="}, container.Summary{}, false},
		{"the service", Containers{Service: "web"}, container.Summary{Labels: service("web")}, true},
		{"all but one", Containers{Service: "web", Image: "odoo"}, container.Summary{Labels: service("web")}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.pick.Match(test.has); got != test.want {
				t.Errorf("match: %v", got)
			}
		})
	}
}
