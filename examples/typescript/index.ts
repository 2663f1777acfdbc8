// A scale set behind a health gate, and what may happen only when it is healthy.
//
// With a scale set of @pulumi/azure-native: scaleSetId is web.id, and triggers are [web.etag, web.uniqueId].
import * as pulumi from "@pulumi/pulumi";
import * as vmss from "pulumi-vmss-health";

const config = new pulumi.Config();

const gate = new vmss.ScaleSetHealthGate("web", {
    scaleSetId: config.require("scaleSetId"),
    policy: { minHealthy: "90%", timeout: config.get("gateTimeout") ?? "20m" },
    triggers: [config.get("release") ?? "1"],
});

// Happens only when the scale set is healthy: it takes the id from the gate.
const view = new vmss.ScaleSetInstanceView("view", {
    scaleSetId: gate.scaleSetId,
    triggers: [config.get("release") ?? "1"],
});

export const healthy = gate.healthy;
export const message = gate.message;
export const capacity = view.capacity;
