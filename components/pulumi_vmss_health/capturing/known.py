"""The fields of Azure's bodies that a capture shows, by what may be in them. What is not listed is masked.

Names are compared without case. A field that Azure adds tomorrow is in none of these tables: its name shows, and of
its value only numbers, flags, times and status codes.
"""

from __future__ import annotations

from enum import Enum

from vmss_instance_view.model.instance import PROFILE_TAG


class Kind(Enum):
    """What a text may be, and so what becomes of it."""

    WORD = "a word of Azure's: it is kept where it looks like one"
    CODE = "a status code or an error code"
    QUOTA = "what an error is about: it is kept where it is the name of a quota of Azure's"
    NAME = "a name or an id of the user's: a pseudonym"
    EXTENSION = "an extension's name: a pseudonym, unless it is one that everybody uses"
    MESSAGE = "a text for people: secrets and known names are masked in it"
    LINK = "an address of the next page of a list"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.lower().split())


def _rows(kind: Kind, names: str) -> dict[str, Kind]:
    return dict.fromkeys(_names(names), kind)


KINDS: dict[str, Kind] = {
    **_rows(
        Kind.WORD,
        """
        level type publisher typeHandlerVersion vmAgentVersion location zones tier provisioningState orchestrationMode
        mode priority evictionPolicy modelDefinitionApplied repairAction rebalanceStrategy rebalanceBehavior
        lastAction serviceName serviceState latestOperationStatus hyperVGeneration osName osVersion
        storageAlignmentStatus capacityReservationType gracePeriod pauseTimeBetweenBatches extensionsTimeBudget
        expiryDuration waitDuration defaultAction restoreTimeout count capacity platformFaultDomain
        platformUpdateDomain intervalInSeconds numberOfProbes
        """,
    ),
    **_rows(Kind.CODE, "code"),
    **_rows(Kind.QUOTA, "target"),
    **_rows(
        Kind.NAME,
        """
        id name instanceId vmId uniqueId etag computerName computerNamePrefix adminUsername placementGroupId
        assignedHost managedBy rdpThumbPrint tenantId principalId clientId subscriptionId virtualMachineResourceId
        """,
    ),
    **_rows(Kind.EXTENSION, "provisionAfterExtensions"),
    **_rows(Kind.MESSAGE, "message displayStatus lastOperationMessage errordetail exceptiontype"),
    **_rows(Kind.LINK, "nextLink"),
}

# Objects and lists whose fields have fixed names. Below any other field the names of fields are masked, too.
CONTAINERS = _names(
    """
    value properties sku protectionPolicy instanceView statuses substatuses statusesSummary virtualMachine vmAgent
    extensionHandlers status vmHealth extensions resources disks orchestrationServices maintenanceRedeployStatus
    virtualMachineProfile virtualMachineScaleSet extensionProfile networkProfile healthProbe osProfile upgradePolicy
    rollingUpgradePolicy automaticOSUpgradePolicy automaticRepairsPolicy externalHealthPolicy resiliencyPolicy
    resilientVMCreationPolicy resilientVMDeletionPolicy automaticZoneRebalancingPolicy spotRestorePolicy
    lifecycleHooksProfile lifecycleHooks runningStatus progress policy error details innererror settings
    zones provisionAfterExtensions instances
    """
)

# What is left out as a whole, whatever it is.
REMOVED = _names(
    """
    protectedSettings protectedSettingsFromKeyVault adminPassword customData userData secrets ssh
    linuxConfiguration windowsConfiguration additionalUnattendContent winRM identity plan systemData bootDiagnostics
    encryptionSettings
    """
)
OF_SETTINGS = ("intervalinseconds", "numberofprobes")
"""All that is kept of an extension's settings: how long application health must hold follows from them."""

OF_TAGS = PROFILE_TAG.lower()
"""The one tag that is kept: Azure's own, with a time."""

# Extensions' names that tell nothing about who uses them.
WELL_KNOWN = _names(
    """
    health healthextension applicationhealth applicationhealthlinux applicationhealthwindows cse vmsscse customscript
    customscriptextension azuremonitorlinuxagent azuremonitorwindowsagent dependencyagentlinux dependencyagentwindows
    omsagentforlinux microsoftmonitoringagent aadsshloginforlinux aadloginforwindows mde.linux mde.windows
    keyvaultforlinux keyvaultforwindows guestattestation azurepolicyforlinux azurepolicyforwindows
    linuxdiagnostic iaasdiagnostics networkwatcheragentlinux networkwatcheragentwindows aks.linux aksnode
    vmss.cse compute.aks.linux.billing compute.aks.linux.aksnode aksbilling
    """
)

TYPES = _names(
    """
    subscriptions resourceGroups providers virtualMachineScaleSets virtualMachines extensions instanceView
    rollingUpgrades networkInterfaces ipConfigurations publicIPAddresses disks images galleries versions loadBalancers
    applicationGateways probes backendAddressPools inboundNatPools virtualNetworks subnets networkSecurityGroups
    applicationSecurityGroups proximityPlacementGroups userAssignedIdentities availabilitySets hostGroups hosts
    capacityReservationGroups capacityReservations vaults diskEncryptionSets locations operations standbyPools
    standbyVirtualMachinePools storageAccounts instances
    """
)
"""The types that a resource's id is made of. Any other one in an id is masked."""

FIXED = ("latest",)
"""Names that are the same for everybody, such as that of the latest rolling upgrade."""
