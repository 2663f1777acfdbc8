// Does one operation of a scale set with Azure's client for JavaScript, and prints what Azure answered as JSON.
// Prints bodies, not the client's model, which renames and flattens keys; reading them into it must work all the same.

import { ComputeManagementClient } from "@azure/arm-compute";
import { ClientSecretCredential } from "@azure/identity";

const [operation, group, name] = process.argv.slice(2);
const env = process.env;
const url = env.VMSS_EMULATOR_URL;
const credential = new ClientSecretCredential(env.ARM_TENANT_ID, env.ARM_CLIENT_ID, env.ARM_CLIENT_SECRET, {
  authorityHost: url,
  disableInstanceDiscovery: true,
});
const bodies = [];
const keep = {
  name: "keep",
  async sendRequest(request, next) {
    const response = await next(request);
    if (response.status === 200 && response.bodyAsText) bodies.push(JSON.parse(response.bodyAsText));
    return response;
  },
};
const client = new ComputeManagementClient(credential, env.ARM_SUBSCRIPTION_ID, {
  endpoint: url,
  credentials: { scopes: [`${url}/.default`] },
  additionalPolicies: [{ policy: keep, position: "perCall" }],
});
const { virtualMachineScaleSets: sets, virtualMachineScaleSetVMs: vms } = client;

const operations = {
  async view() {
    await sets.getInstanceView(group, name);
    return bodies[0];
  },
  async show() {
    await sets.get(group, name);
    return bodies[0];
  },
  async list() {
    let count = 0;
    for await (const _ of vms.list(group, name, { expand: "instanceView" })) count += 1;
    const found = bodies.flatMap((page) => page.value);
    if (found.length !== count) throw new Error(`the client lists ${count} of ${found.length} instances`);
    return found;
  },
  async restart() {
    await sets.restart(group, name, { vmInstanceIDs: { instanceIds: ["0"] } });
    return null;
  },
};

try {
  console.log(JSON.stringify(await operations[operation]()));
} catch (error) {
  console.error(error.message);
  process.exitCode = error.statusCode === 404 ? 3 : 1;
}
