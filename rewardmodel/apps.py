"""Stage 2: judgements become a reward."""

from django.apps import AppConfig


class RewardModelConfig(AppConfig):
    name = "rewardmodel"

    def ready(self) -> None:
        from annotation.files.export.rewards import offer as offer_rewards
        from annotation.withdrawal.lineage import offer
        from rewardmodel import choosing, contests, fits, handing_over, lineage, rewards, scoring
        from runs import kinds
        from runs.resident import serving

        kinds.register(fits.KIND)
        kinds.register(choosing.KIND)
        kinds.register(contests.KIND)
        kinds.register(handing_over.KIND)
        kinds.register(rewards.KIND)
        serving.register(scoring.KIND, "rewardmodel.scorer.answer", together=True)
        offer(lineage.versions, remarks=lineage.rewards)
        offer_rewards(rewards.given_to)
