package sidecar_test

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/moby/client"

	"odooban/internal/dockertest"
)

// images makes the images that the sites run, and returns the file that docker
// save would write of them. That of odooban comes out of its Dockerfile, whose
// first stage is played: where there is no registry there is no Go to build with.
func images(t *testing.T) string {
	t.Helper()
	e := dockertest.Start(t, dockertest.Options{Args: []string{"--storage-driver=overlay2"}})
	standin := dockertest.GoProgram(t, "./testdata/standin")
	e.Image(t, "golang:1.26-bookworm", map[string]string{
		"/bin/sh": standin, "/odooban": dockertest.GoProgram(t, "odooban/cmd/odooban"),
	})
	dockerfile, err := os.ReadFile("../../packaging/docker/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	build(t, e, "odooban", map[string]string{"Dockerfile": string(dockerfile), "go.mod": "", "go.sum": ""})

	e.Image(t, "traefik", map[string]string{"/traefik": standin})
	e.Image(t, "odoo", map[string]string{"/odoo": standin, "/warn.log": "../../testdata/logs/odoo19-warn.log"})
	return save(t, e, "odooban", "traefik", "odoo")
}

// build does docker build.
func build(t *testing.T, e *dockertest.Engine, image string, files map[string]string) {
	t.Helper()
	var sent bytes.Buffer
	archive := tar.NewWriter(&sent)
	for name, content := range files {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(archive, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	answer, err := e.Client.ImageBuild(t.Context(), &sent, client.ImageBuildOptions{Tags: []string{image}, Remove: true})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil || !bytes.Contains(said, []byte("Successfully tagged "+image)) {
		t.Fatalf("build %s: %v\n%s", image, err, said)
	}
}

// save does docker save.
func save(t *testing.T, e *dockertest.Engine, images ...string) string {
	t.Helper()
	saved, err := e.Client.ImageSave(t.Context(), images)
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "images.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.Copy(file, saved); err != nil {
		t.Fatal(err)
	}
	return file.Name()
}

// load does docker load.
func load(t *testing.T, e *dockertest.Engine, path string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	loaded, err := e.Client.ImageLoad(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	if _, err := io.Copy(io.Discard, loaded); err != nil {
		t.Fatal(err)
	}
}
