/** A function that sends to SORACOM, by way of arctun's layer. */
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
  /** The zip of `arctun lambda layer`. */
  readonly layerZip: string;
  /** The function's folder; without a secret, arc.json is in it. */
  readonly functionFolder: string;
  /** Of the function and of the zip; x86_64 by default. */
  readonly architecture?: 'x86_64' | 'arm64' | undefined;
  /** The secret of Secrets Manager that holds arc.json, or an array of several. */
  readonly secretName?: string | undefined;
  /** Environments at once: 1 by default, for one SIM; of a pool, half as many as it has SIMs. */
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
      // More than ARCTUN_LAMBDA_WAIT, which is 3 s: the function hears why there is no tunnel.
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
