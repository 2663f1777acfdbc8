// A scale set behind a health gate, and what may happen only when it is healthy.
//
// With a scale set of pulumi-azure-native: ScaleSetId is web.ID(), and Triggers are web.Etag and web.UniqueId.
package main

import (
	"pulumi-vmss-health/sdk/go/vmsshealth"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		conf := config.New(ctx, "")
		timeout, release := conf.Get("gateTimeout"), conf.Get("release")
		if timeout == "" {
			timeout = "20m"
		}
		gate, err := vmsshealth.NewScaleSetHealthGate(ctx, "web", &vmsshealth.ScaleSetHealthGateArgs{
			ScaleSetId: pulumi.String(conf.Require("scaleSetId")),
			Policy: &vmsshealth.GatePolicyArgs{
				MinHealthy: pulumi.String("90%"),
				Timeout:    pulumi.String(timeout),
			},
			Triggers: pulumi.Array{pulumi.String(release)},
		})
		if err != nil {
			return err
		}
		// Happens only when the scale set is healthy: it takes the id from the gate.
		view, err := vmsshealth.NewScaleSetInstanceView(ctx, "view", &vmsshealth.ScaleSetInstanceViewArgs{
			ScaleSetId: gate.ScaleSetId,
			Triggers:   pulumi.Array{pulumi.String(release)},
		})
		if err != nil {
			return err
		}
		ctx.Export("healthy", gate.Healthy)
		ctx.Export("message", gate.Message)
		ctx.Export("capacity", view.Capacity)
		return nil
	})
}
