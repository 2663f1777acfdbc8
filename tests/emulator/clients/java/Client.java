// Does one operation of a scale set with Azure's client for Java, and prints what Azure answered as JSON.
// Prints bodies: the client's model does not write what only Azure may set. Reading them into it must work all the same.

import com.azure.core.http.HttpPipelineCallContext;
import com.azure.core.http.HttpPipelineNextPolicy;
import com.azure.core.http.HttpResponse;
import com.azure.core.http.policy.HttpPipelinePolicy;
import com.azure.core.management.AzureEnvironment;
import com.azure.core.management.exception.ManagementException;
import com.azure.core.management.profile.AzureProfile;
import com.azure.core.util.Context;
import com.azure.identity.ClientSecretCredentialBuilder;
import com.azure.resourcemanager.compute.ComputeManager;
import com.azure.resourcemanager.compute.models.VirtualMachineScaleSetVMInstanceIDs;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import reactor.core.publisher.Mono;

public class Client {
    /** Keeps the bodies of successful answers. */
    static class Keep implements HttpPipelinePolicy {
        final List<String> bodies = new ArrayList<>();

        public Mono<HttpResponse> process(HttpPipelineCallContext context, HttpPipelineNextPolicy next) {
            return next.process().flatMap(answer -> {
                HttpResponse whole = answer.buffer();
                boolean good = answer.getStatusCode() == 200;
                return (good ? whole.getBodyAsString().doOnNext(bodies::add) : Mono.<String>empty()).thenReturn(whole);
            });
        }
    }

    /** Trusts the authorities of a file in PEM format, for Java reads no variable that names one. */
    static void trust(String file) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (FileInputStream in = new FileInputStream(file)) {
            for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry(String.valueOf(store.size()), one);
            }
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, factory.getTrustManagers(), null);
        SSLContext.setDefault(context);
    }

    static String done(String operation, String group, String name) throws Exception {
        Map<String, String> env = System.getenv();
        String url = env.get("VMSS_EMULATOR_URL");
        AzureEnvironment cloud = new AzureEnvironment(Map.of(
                "resourceManagerEndpointUrl", url,
                "managementEndpointUrl", url,
                "activeDirectoryEndpointUrl", url,
                "activeDirectoryResourceId", url,
                "microsoftGraphResourceId", url));
        var credential = new ClientSecretCredentialBuilder()
                .authorityHost(url)
                .disableInstanceDiscovery()
                .tenantId(env.get("ARM_TENANT_ID"))
                .clientId(env.get("ARM_CLIENT_ID"))
                .clientSecret(env.get("ARM_CLIENT_SECRET"))
                .build();
        Keep keep = new Keep();
        var client = ComputeManager.configure()
                .withPolicy(keep)
                .authenticate(credential, new AzureProfile(env.get("ARM_TENANT_ID"), env.get("ARM_SUBSCRIPTION_ID"), cloud))
                .serviceClient();
        var sets = client.getVirtualMachineScaleSets();
        switch (operation) {
            case "view":
                sets.getInstanceView(group, name);
                return keep.bodies.get(0);
            case "show":
                sets.getByResourceGroup(group, name);
                return keep.bodies.get(0);
            case "list":
                var vms = client.getVirtualMachineScaleSetVMs();
                long count = vms.list(group, name, null, null, "instanceView", Context.NONE).stream().count();
                ObjectMapper json = new ObjectMapper();
                ArrayNode found = json.createArrayNode();
                for (String page : keep.bodies) {
                    json.readTree(page).get("value").forEach(found::add);
                }
                if (found.size() != count) {
                    throw new IllegalStateException("the client lists " + count + " of " + found.size() + " instances");
                }
                return found.toString();
            case "restart":
                var zero = new VirtualMachineScaleSetVMInstanceIDs().withInstanceIds(List.of("0"));
                sets.restart(group, name, zero, Context.NONE);
                return "null";
            default:
                throw new IllegalArgumentException("unknown operation " + operation);
        }
    }

    public static void main(String[] words) throws Exception {
        trust(System.getenv("SSL_CERT_FILE"));
        int code = 0;
        try {
            System.out.println(done(words[0], words[1], words[2]));
        } catch (ManagementException error) {
            System.err.println(error.getMessage());
            code = error.getResponse().getStatusCode() == 404 ? 3 : 1;
        }
        System.exit(code); // threads of the client would keep it alive
    }
}
