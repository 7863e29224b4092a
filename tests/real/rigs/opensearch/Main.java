import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.opensearch.Version;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.PluginInfo;

/** Runs a real OpenSearch node with its security plugin, both from the class path. The argument is its home folder. */
public final class Main {
    private static final class SecureNode extends Node {
        SecureNode(Environment environment, List<PluginInfo> plugins) {
            super(environment, plugins, true);
        }
    }

    private static PluginInfo plugin(String name, String className) {
        return new PluginInfo(name, "", "3.4.0", Version.CURRENT, "21", className, List.of(), false);
    }

    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]);
        System.setProperty("opensearch.path.home", home.toString());
        System.setProperty("opensearch.path.conf", home.resolve("config").toString());
        Environment environment = InternalSettingsPreparer.prepareEnvironment(
            org.opensearch.common.settings.Settings.builder().put("path.home", home.toString()).build(),
            Map.of(), home.resolve("config"), () -> "rig");
        Node node = new SecureNode(environment, List.of(
            plugin("transport-netty4", "org.opensearch.transport.Netty4ModulePlugin"),
            plugin("opensearch-security", "org.opensearch.security.OpenSearchSecurityPlugin")));
        node.start();
        Thread.currentThread().join();
    }
}
