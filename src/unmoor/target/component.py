"""The one component that holds an agent's resources; for a target's program, since it imports Pulumi."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pulumi

from unmoor.container import common_environment
from unmoor.plan import Plan, Secret
from unmoor.plan.image_recipe import image_recipe
from unmoor.plan.physical_names import release_tags, tags

from .contract import BuildOptions, Outputs
from .settings import Settings

S = TypeVar("S", bound=Settings)
C = TypeVar("C", bound="BuildContext[Any]")
# 43 letters and digits are 256 bits.
TOKEN_LENGTH = 43


@dataclass(frozen=True, kw_only=True)
class BuildContext(Generic[S]):
    """The inputs of one build, and the options of its resources.

    `child` is for resources of the target's provider, `bare` for those of other packages, `kept` for those that hold
    data: they are retained on deletion unless `destroy_data` is set.
    """

    target: str
    name: str
    plan: Plan
    settings: S
    options: BuildOptions
    child: pulumi.ResourceOptions
    bare: pulumi.ResourceOptions
    kept: pulumi.ResourceOptions

    def logical(self, role: str) -> str:
        """The logical name of a resource."""
        return f"{self.name}-{role}"

    @property
    def isolated_runs(self) -> bool:
        """Whether each run has its own container."""
        return self.plan.run.isolation == "container"

    @property
    def tags(self) -> dict[str, str]:
        """The tags of every resource that takes them."""
        return tags(self.plan)

    @property
    def release_tags(self) -> dict[str, str]:
        """The tags of the gateway, which tell the release that deployed it."""
        return release_tags(self.plan)

    @property
    def common_args(self) -> dict[str, Any]:
        """Tags and options of a resource of the target's provider."""
        return {"tags": self.tags, "opts": self.child}

    def after(self, *resources: pulumi.Resource, **more: Any) -> pulumi.ResourceOptions:
        """The options of a child that is created after these and deleted before them."""
        return pulumi.ResourceOptions.merge(
            self.child, pulumi.ResourceOptions(depends_on=list(resources) or None, **more)
        )

    def environment(self, store_url: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
        """The variables of every container of the agent."""
        common = common_environment(
            self.plan, target=self.target, bundle_sha256=self.options.bundle.sha256, store_url=""
        )
        return {**common, "UNMOOR_STORE": store_url}

    def secret_value(self, secret: Secret) -> pulumi.Output[str]:
        """The value of a secret that the deployment stores: the user's, or a random one that is created here."""
        if secret.source != "generated":
            return self.options.secret_value(secret)
        import pulumi_random as random

        name = self.logical(f"secret-{secret.name}")
        return random.RandomPassword(name, length=TOKEN_LENGTH, special=False, opts=self.bare).result

    def secret_version(self, secret: Secret, value: pulumi.Input[str]) -> pulumi.Output[int]:
        """A number that changes with the secret's value."""
        version = self.options.secret_version
        return pulumi.Output.from_input(value).apply(lambda v: version(self.plan.agent, secret.name, v))

    def build_image(self, repository: pulumi.Input[str], login: Mapping[str, Any] | None) -> pulumi.Output[str]:
        """The plan's image, built here and pushed to the repository: its reference with the digest."""
        import pulumi_docker_build as docker_build

        recipe = image_recipe(self.plan.image, arch=self.plan.run.arch, shipped_folder=self.options.image_context)
        registries: Any = [login] if login else None
        reference = pulumi.Output.concat(repository, ":", recipe.tag)
        return docker_build.Image(
            self.logical("image"),
            context={"location": reference.apply(lambda name: self.options.path_of(name, recipe.folder))},
            build_args=dict(recipe.arguments),
            platforms=[docker_build.Platform(recipe.platform)],
            tags=[reference],
            registries=registries,
            push=True,
            opts=self.bare,
        ).ref


def build_component(
    context_type: type[C],
    target: str,
    arguments: tuple[str, Plan, Any, BuildOptions],
    *,
    create: Callable[[C], Outputs],
    provider: Callable[[pulumi.ResourceOptions], pulumi.ProviderResource] | None = None,
) -> Outputs:
    """The outputs of `create`, whose resources descend from one component; `arguments` are those of `build`."""
    name, plan, settings, options = arguments
    component = pulumi.ComponentResource(f"unmoor:{target}:Agent", name)
    bare = pulumi.ResourceOptions(parent=component)
    child = pulumi.ResourceOptions(parent=component, provider=provider(bare) if provider else None)
    kept = pulumi.ResourceOptions(retain_on_delete=not settings.destroy_data)
    context = context_type(
        target=target,
        name=name,
        plan=plan,
        settings=settings,
        options=options,
        child=child,
        bare=bare,
        kept=pulumi.ResourceOptions.merge(child, kept),
    )
    outputs = create(context)
    component.register_outputs(outputs.present())
    return outputs
