/** A function that sends to SORACOM through arctun's layer. */
import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LayerVersion,
  ParamsAndSecretsLayerVersion,
  ParamsAndSecretsVersions,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

export interface SendingStackProps extends StackProps {
  /** The zip file from `arctun lambda layer`. */
  readonly layerZip: string;
  /** The function's folder; without a secret it contains arc.json. */
  readonly functionFolder: string;
  /** The architecture of the function and the zip; default x86_64. */
  readonly architecture?: 'x86_64' | 'arm64' | undefined;
  /** The secret in Secrets Manager that holds arc.json, or an array of several. */
  readonly secretName?: string | undefined;
  /** Concurrent environments: default 1, for one SIM; with a pool, half the number of its SIMs. */
  readonly concurrency?: number | undefined;
}

export class SendingStack extends Stack {
  constructor(scope: Construct, id: string, props: SendingStackProps) {
    super(scope, id, props);
    const { secretName, concurrency = 1 } = props;
    const architecture = props.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64;
    const layer = new LayerVersion(this, 'ArctunLayer', {
      description: 'SORACOM Arc, at localhost:8080',
      code: Code.fromAsset(props.layerZip),
      compatibleArchitectures: [architecture],
      license: 'MIT',
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const sending = new LambdaFunction(this, 'SendingFunction', {
      code: Code.fromAsset(props.functionFolder),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_22_X,
      architecture,
      layers: [layer],
      memorySize: 256,
      // Longer than ARCTUN_LAMBDA_WAIT (3 s), so that the function learns why there is no tunnel.
      timeout: Duration.seconds(10),
      // A virtual SIM carries one tunnel, and each environment of the function opens one.
      reservedConcurrentExecutions: concurrency,
      environment: {
        ARCTUN_LOG_LEVEL: 'info',
        ...(secretName !== undefined && { ARCTUN_CONFIG_SECRET: secretName }),
      },
      ...(secretName !== undefined && {
        paramsAndSecrets: ParamsAndSecretsLayerVersion.fromVersion(
          ParamsAndSecretsVersions.V1_0_103,
        ),
      }),
    });
    if (secretName !== undefined) {
      Secret.fromSecretNameV2(this, 'ArcConfig', secretName).grantRead(sending);
    }
    new CfnOutput(this, 'FunctionName', { value: sending.functionName });
  }
}
