"""People, as those see them who administer: looked up, one with their wallets, and what they did."""

from aiohttp import web

from entrypoints.http.cursors import cursor_person, digest_of, person_cursor
from entrypoints.http.openapi import operation, path, path_of, query, query_of
from entrypoints.http.problems import Problem, json_response
from entrypoints.http.routes.history import PAGE, PAGE_PROBLEMS, page_of_history
from entrypoints.http.schemas.administration import PeopleQuerySchema, UserListSchema, UserWithWalletsSchema
from entrypoints.http.schemas.answers import TransactionListSchema
from entrypoints.http.schemas.requests import AllHistoryQuerySchema, UserPathSchema
from entrypoints.http.services import Services
from entrypoints.http.views import user_view, wallet_view
from wallet_core.administration.ports import PeopleQuery
from wallet_core.identity.entities import Role, User, UserStatus
from wallet_core.ids import UserId

_TAGS = ("admin",)
_PAGE = (
    "A page, who came last first. Where few people fit it may be short, or empty, and go on: "
    "the last page is the one whose next_cursor is null"
)
_PLACE = ("cursor", "limit")


class DirectoryRoutes:
    """`/admin/users`, to be read."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @operation(
        tags=_TAGS,
        summary="People",
        responses={200: (UserListSchema, _PAGE)},
        problems=["forbidden", "invalid_cursor"],
    )
    @query(PeopleQuerySchema)
    async def list_people(self, request: web.Request) -> web.Response:
        asked = query_of(request)
        filters = digest_of({"of": "people"} | {name: value for name, value in asked.items() if name not in _PLACE})
        cursor = asked.get("cursor")
        page = await self._services.directory.page(
            PeopleQuery(
                text=asked.get("q"),
                role=Role(asked["role"]) if "role" in asked else None,
                status=UserStatus(asked["status"]) if "status" in asked else None,
                before=None if cursor is None else cursor_person(cursor, filters),
                limit=asked["limit"],
            )
        )
        return json_response(
            {
                "data": [user_view(user) for user in page.people],
                "next_cursor": None if page.next_before is None else person_cursor(page.next_before, filters),
            }
        )

    @operation(
        tags=_TAGS,
        summary="One person with their wallets",
        responses={200: (UserWithWalletsSchema, "The person")},
        problems=["forbidden"],
    )
    @path(UserPathSchema)
    async def show_person(self, request: web.Request) -> web.Response:
        user = await self._person(request)
        wallets = await self._services.wallets.of(user.id)
        shown = [wallet_view(wallet, self._services.currencies) for wallet in wallets]
        return json_response(user_view(user) | {"wallets": shown})

    @operation(
        tags=_TAGS,
        summary="What happened in somebody's wallets",
        responses={200: (TransactionListSchema, PAGE)},
        problems=[*PAGE_PROBLEMS, "forbidden"],
    )
    @path(UserPathSchema)
    @query(AllHistoryQuerySchema)
    async def list_transactions_of(self, request: web.Request) -> web.Response:
        user, asked = await self._person(request), query_of(request)
        wallets = await self._services.wallets.of(user.id)
        if "wallet_id" in asked:
            wallets = [wallet for wallet in wallets if wallet.id == asked["wallet_id"]]
            if not wallets:
                raise Problem("not_found")
        return await page_of_history(self._services, user.id, wallets, asked, of=user.id)

    async def _person(self, request: web.Request) -> User:
        user = await self._services.people.find(UserId(path_of(request)["user_id"]))
        if user is None:
            raise Problem("not_found")
        return user

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.get("/admin/users", self.list_people),
            web.get("/admin/users/{user_id}", self.show_person),
            web.get("/admin/users/{user_id}/transactions", self.list_transactions_of),
        ]
