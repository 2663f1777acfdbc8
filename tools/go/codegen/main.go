// Generates the SDKs of the package vmss-health from its schema: codegen SCHEMA OUT makes OUT/nodejs, OUT/go and OUT/dotnet.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	dotnet "github.com/pulumi/pulumi-dotnet/pulumi-language-dotnet/v3/codegen"
	golang "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

const tool = "pulumi-vmss-health"

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: codegen SCHEMA OUT"))
	}
	logo := httptest.NewServer(http.HandlerFunc(blank)) // which the generator for C# downloads
	defer logo.Close()
	for language, generate := range map[string]func(*schema.Package) (map[string][]byte, error){
		"nodejs": func(bound *schema.Package) (map[string][]byte, error) {
			return nodejs.GeneratePackage(tool, bound, nil, nil, false, schema.NewPluginLoader(nil))
		},
		"dotnet": func(bound *schema.Package) (map[string][]byte, error) {
			return dotnet.GeneratePackage(tool, bound, nil, nil)
		},
		"go": func(bound *schema.Package) (map[string][]byte, error) {
			return golang.GeneratePackage(tool, bound, nil)
		},
	} {
		files, err := generate(bind(os.Args[1], logo.URL)) // bound anew: a generator changes what it is given
		fail(err)
		for name, content := range files {
			content = bytes.ReplaceAll(content, []byte(logo.URL), nil)
			path := filepath.Join(os.Args[2], language, name)
			fail(os.MkdirAll(filepath.Dir(path), 0o755))
			fail(os.WriteFile(path, content, 0o644))
		}
	}
}

func blank(w http.ResponseWriter, _ *http.Request) {
	fail(png.Encode(w, image.NewGray(image.Rect(0, 0, 64, 64))))
}

func bind(path string, logo string) *schema.Package {
	text, err := os.ReadFile(path)
	fail(err)
	var spec schema.PackageSpec
	fail(json.Unmarshal(text, &spec))
	spec.LogoURL = logo
	bound, diagnostics, err := schema.BindSpec(spec, schema.NewPluginLoader(nil), schema.ValidationOptions{})
	fail(err)
	if diagnostics.HasErrors() {
		fail(diagnostics)
	}
	return bound
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
