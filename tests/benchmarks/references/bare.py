"""The least a service can do to answer: FastAPI, one statement on an asyncpg pool, one row's bytes sent as they are."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, Response

from tests.benchmarks import crowd

_READ = "select state from ledger.accounts where log = $1 and person_id = $2 and year = $3"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["BENCH_DATABASE_URL"], min_size=8, max_size=8) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/v1/persons/{person_id}/compliance/{year}")
async def read_account(person_id: str, year: int) -> Response:
    state = await app.state.pool.fetchval(_READ, crowd.LOG, person_id, year)
    return Response(state, media_type="application/json")
