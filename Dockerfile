# Concord with a Postgres of one's own beside it; compose.yaml puts the two together.
FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends make npm && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home concord && mkdir /srv/concord /var/lib/concord && chown concord /srv/concord /var/lib/concord
USER concord
WORKDIR /srv/concord
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY --chown=concord . .
RUN make install TORCH_INDEX="$TORCH_INDEX" && rm -rf /home/concord/.cache /home/concord/.npm
ENV CONCORD_HOME=/var/lib/concord HOST=0.0.0.0 PORT=8000
EXPOSE 8000
VOLUME /var/lib/concord
CMD [".venv/bin/python", "manage.py", "serve"]
