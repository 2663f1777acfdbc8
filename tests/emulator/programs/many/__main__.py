"""Ten types of a usual program, each of which takes something of another one."""

import pulumi
from pulumi_azure_native import (
    authorization,
    keyvault,
    managedidentity,
    monitor,
    network,
    operationalinsights,
    resources,
    storage,
)

group = resources.ResourceGroup("rg", location="westeurope", tags={"size": pulumi.Config().get("size") or "2"})
identity = managedidentity.UserAssignedIdentity("worker", resource_group_name=group.name)
client = authorization.get_client_config_output()
vault = keyvault.Vault(
    "vault",
    resource_group_name=group.name,
    properties=keyvault.VaultPropertiesArgs(
        tenant_id=client.tenant_id,
        sku=keyvault.SkuArgs(family="A", name=keyvault.SkuName.STANDARD),
        access_policies=[],
    ),
)
account = storage.StorageAccount(
    "pictures",
    resource_group_name=group.name,
    kind=storage.Kind.STORAGE_V2,
    sku=storage.SkuArgs(name=storage.SkuName.STANDARD_LRS),
    identity=storage.IdentityArgs(type=storage.IdentityType.USER_ASSIGNED, user_assigned_identities=[identity.id]),
)
storage.BlobContainer("thumbnails", resource_group_name=group.name, account_name=account.name)
role = authorization.RoleAssignment(
    "reads",
    scope=account.id,
    principal_id=identity.principal_id,
    principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
    role_definition_id="/providers/Microsoft.Authorization/roleDefinitions/2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
)
logs = operationalinsights.Workspace("logs", resource_group_name=group.name)
monitor.DiagnosticSetting(
    "audit",
    resource_uri=vault.id,
    workspace_id=logs.id,
    logs=[monitor.DiagnosticsLogSettingsArgs(category_group="audit", enabled=True)],
)
rules = network.NetworkSecurityGroup(
    "rules",
    resource_group_name=group.name,
    security_rules=[
        network.SecurityRuleArgs(
            name="web",
            priority=100,
            direction="Inbound",
            access="Allow",
            protocol="Tcp",
            source_address_prefix="*",
            source_port_range="*",
            destination_address_prefix="*",
            destination_port_range="443",
        )
    ],
)
outlet = network.PublicIPAddress(
    "outlet",
    resource_group_name=group.name,
    public_ip_allocation_method="Static",
    sku=network.PublicIPAddressSkuArgs(name="Standard"),
)
network.NatGateway(
    "nat",
    resource_group_name=group.name,
    sku=network.NatGatewaySkuArgs(name="Standard"),
    public_ip_addresses=[network.SubResourceArgs(id=outlet.id)],
)
pulumi.export("principal", identity.principal_id)
pulumi.export("vault", vault.properties.apply(lambda found: found.vault_uri))
pulumi.export("rule", rules.security_rules.apply(lambda found: found[0].id))
pulumi.export("role", role.name)
pulumi.export("customer", logs.customer_id)
