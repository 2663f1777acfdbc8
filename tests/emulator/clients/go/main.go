// Does one operation of a scale set with Azure's client for Go, and prints what the client's model shows as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v8"
)

// signedIn makes the clients of a scale set and its instances.
func signedIn() (*armcompute.ClientFactory, error) {
	url := os.Getenv("VMSS_EMULATOR_URL")
	options := azcore.ClientOptions{Cloud: cloud.Configuration{
		ActiveDirectoryAuthorityHost: url,
		Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
			cloud.ResourceManager: {Endpoint: url, Audience: url},
		},
	}}
	tenant, id, secret := os.Getenv("ARM_TENANT_ID"), os.Getenv("ARM_CLIENT_ID"), os.Getenv("ARM_CLIENT_SECRET")
	credential, err := azidentity.NewClientSecretCredential(tenant, id, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions:            options,
		DisableInstanceDiscovery: true,
	})
	if err != nil {
		return nil, err
	}
	return armcompute.NewClientFactory(os.Getenv("ARM_SUBSCRIPTION_ID"), credential, &arm.ClientOptions{ClientOptions: options})
}

// do does one operation, and returns what it found.
func do(ctx context.Context, operation, group, name string) (any, error) {
	clients, err := signedIn()
	if err != nil {
		return nil, err
	}
	sets, expand, instance := clients.NewVirtualMachineScaleSetsClient(), "instanceView", "0"
	switch operation {
	case "view":
		found, err := sets.GetInstanceView(ctx, group, name, nil)
		return found.VirtualMachineScaleSetInstanceView, err
	case "show":
		found, err := sets.Get(ctx, group, name, nil)
		return found.VirtualMachineScaleSet, err
	case "list":
		found := []*armcompute.VirtualMachineScaleSetVM{}
		options := armcompute.VirtualMachineScaleSetVMsClientListOptions{Expand: &expand}
		pages := clients.NewVirtualMachineScaleSetVMsClient().NewListPager(group, name, &options)
		for pages.More() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			found = append(found, page.Value...)
		}
		return found, nil
	case "restart":
		poller, err := sets.BeginRestart(ctx, group, name, &armcompute.VirtualMachineScaleSetsClientBeginRestartOptions{
			VMInstanceIDs: &armcompute.VirtualMachineScaleSetVMInstanceIDs{InstanceIDs: []*string{&instance}},
		})
		if err != nil {
			return nil, err
		}
		_, err = poller.PollUntilDone(ctx, nil)
		return nil, err
	}
	return nil, fmt.Errorf("unknown operation %s", operation)
}

func main() {
	found, err := do(context.Background(), os.Args[1], os.Args[2], os.Args[3])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(found)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		var refused *azcore.ResponseError
		if errors.As(err, &refused) && refused.StatusCode == 404 {
			os.Exit(3)
		}
		os.Exit(1)
	}
}
